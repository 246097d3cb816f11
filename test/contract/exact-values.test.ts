/** Proves that what was sent is what is recorded and answered: numbers, ids of requests, names of arguments. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startArguments } from "../support/events.ts";
import { createSandbox } from "../support/sandbox.ts";
import { answerOf, openSession, type RpcAnswer } from "../support/server/door.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";

/** Sends the text of one message. @returns the answers to it */
type Send = (text: string) => Promise<readonly RpcAnswer[]>;

async function overHttp(t: TestContext): Promise<Send> {
  const { url } = await createSandbox(t).serve();
  return async (body) => [answerOf(await ask(url, { body }))];
}

async function overSession(t: TestContext): Promise<Send> {
  const { url } = await createSandbox(t).serve();
  const headers = await openSession(url);
  return async (body) => [answerOf(await ask(url, { headers, body }))];
}

async function overStdio(t: TestContext): Promise<Send> {
  const sandbox = createSandbox(t);
  return async (text) => {
    const { status, stdout } = await sandbox.run(["serve", "--stdio"], { input: `${text}\n` });
    assert.equal(status, 0);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  };
}

const kinds = { HTTP: overHttp, "a session": overSession, stdio: overStdio } as const;

/** @returns a start whose metadata is this text */
function startWith(metadata: string, id = "1"): string {
  const call = toolCall(1, "track_session_start", startArguments({ metadata: "METADATA" }));
  return call.replace('"METADATA"', metadata).replace('"id":1', `"id":${id}`);
}

for (const [kind, open] of Object.entries(kinds)) {
  test(`over ${kind}, a number that would change is refused, and one that would not is recorded`, async (t) => {
    const send = await open(t);
    for (const number of ["9007199254740993", "-12345678901234567890", "0.12345678901234567890", "1e400", "1e-400"]) {
      const [answer] = await send(startWith(`{"deep":[{"n":${number}}]}`));
      assert.deepEqual(answer?.result?.structuredContent, {
        session_id: null,
        status: "error",
        error:
          "Session start tracking failed: metadata: Numbers should be ones that a 64-bit float holds exactly; send others as strings",
      });
    }
    for (const number of ["9007199254740992", "1e300", "0.1", "1.10", '"9007199254740993"', '"n: 1e400"']) {
      const [answer] = await send(startWith(`{"n":${number}}`));
      assert.equal(answer?.result?.structuredContent?.status, "tracked", number);
    }
  });

  test(`over ${kind}, an unknown argument is refused by its name, also where it is __proto__`, async (t) => {
    const send = await open(t);
    const good = toolCall(1, "track_session_start", startArguments());
    for (const [member, name] of [
      ['"__proto__":{"x":1}', "__proto__"],
      ['"\\u005f_proto__":null', "__proto__"],
      ['"constructor":1', "constructor"],
      ['"toString":1', "toString"],
    ] as const) {
      const [answer] = await send(good.replace('"event_version"', `${member},"event_version"`));
      const sentence = `Session start tracking failed: ${name}: Unexpected argument`;
      assert.equal(answer?.result?.structuredContent?.error, sentence, member);
    }
    assert.equal((await send(good))[0]?.result?.structuredContent?.status, "tracked");
  });

  test(`over ${kind}, arguments that are no object get the words of the protocol`, async (t) => {
    const send = await open(t);
    for (const args of ["[]", "5", '"x"', "null"]) {
      const [answer] = await send(toolCall(1, "health_check", "ARGS").replace('"ARGS"', args));
      assert.equal(answer?.id, 1);
      assert.ok(answer?.error !== undefined, args);
    }
  });

  test(`over ${kind}, an id comes back as it went in`, async (t) => {
    const send = await open(t);
    for (const id of ["9007199254740991", "-9007199254740991", "0", '"9007199254740993"', '"\\u200b"']) {
      const [answer] = await send(toolCall(1, "health_check", {}).replace('"id":1', `"id":${id}`));
      assert.equal(answer?.id, JSON.parse(id));
      assert.equal(answer?.result?.structuredContent?.status, "ok");
    }
  });
}

for (const kind of ["HTTP", "a session"] as const) {
  test(`over ${kind}, an id that could not come back is an invalid request`, async (t) => {
    const send = await kinds[kind](t);
    for (const id of ["9007199254740993", "12345678901234567890", "-9007199254740993", "1e20", "1.5", "null", "[]"]) {
      const [answer] = await send(toolCall(1, "health_check", {}).replace('"id":1', `"id":${id}`));
      assert.deepEqual([answer?.id, answer?.error?.code], [null, -32600], id);
    }
  });
}
