/** Proves what the header `Authorization` does for calls, questions and resources, with and without a session. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startArguments } from "../../support/events.ts";
import { runWell } from "../../support/rows.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { answerOf, openSession, rpc } from "../../support/server/door.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

interface Case {
  readonly header?: string | string[];
  /** The argument, or the entry of `_meta`; undefined for none. */
  readonly argument?: unknown;
  readonly sentence: string | null;
}

const required = "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)";
const expired = "❌ Authentication failed: Token has expired";
const invalid = "❌ Authentication failed: Invalid token";
const good = await tokenMakers.jose(claims({ user_id: "the-right-one" }));
const wrong = await tokenMakers.jose(claims(), { secret: "x".repeat(32) });
const old = await tokenMakers.jose(claims({ exp: 1 }));

const cases: readonly Case[] = [
  ...[undefined, null, ""].map((argument) => ({ header: `Bearer ${good}`, argument, sentence: null })),
  ...["bearer", "BEARER", "bEaReR", "Bearer  "].map((scheme) => ({ header: `${scheme} ${good}`, sentence: null })),
  // White space around the value of a header is none of it (RFC 9110, section 5.5).
  { header: `  Bearer ${good}  `, sentence: null },
  { header: `Bearer ${wrong}`, argument: good, sentence: null },
  { header: "Basic dTpw", argument: good, sentence: null },
  { argument: good, sentence: null },
  ...[wrong, "garbage", " ", 5, false, [good], `Bearer ${good}`].map((argument) => ({
    header: `Bearer ${good}`,
    argument,
    sentence: invalid,
  })),
  { header: `Bearer ${good}`, argument: old, sentence: expired },
  { header: `Bearer ${old}`, sentence: expired },
  { sentence: required },
  ...[`Basic ${good}`, "Bearer", "Bearer ", good, `Bearer:${good}`, `Token ${good}`, `Bearer\t${good}`].map(
    (header) => ({ header, sentence: required }),
  ),
  ...[
    `Bearer ${wrong}`,
    `Bearer ${good} x`,
    `Bearer ${good},`,
    `Bearer ${good}, Bearer ${good}`,
    `Bearer ${good},${good}`,
    `Bearer Bearer ${good}`,
    `Bearer token=${good}`,
    `Bearer "${good}"`,
    [`Bearer ${good}`, `Bearer ${good}`],
    [`Bearer ${good}`, "Basic dTpw"],
    [`Bearer ${good}`, ""],
  ].map((header) => ({ header, sentence: invalid })),
];

function withArgument(args: Readonly<Record<string, unknown>>, argument: unknown): Record<string, unknown> {
  return argument === undefined ? { ...args } : { ...args, token: argument };
}

for (const mode of ["without a session", "in a session"] as const) {
  test(`${mode}, the header stands in for a token that is not given, and for no other`, async (t) => {
    const { url } = await createSandbox(t).serve({
      SESSION_BUDDY_SECRET: secret,
      SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: "0",
    });
    const session = mode === "in a session" ? await openSession(url, { Authorization: `Bearer ${good}` }) : {};
    for (const { header, argument, sentence } of cases) {
      const name = `${JSON.stringify(header)} with ${JSON.stringify(argument)}`.replaceAll(good, "GOOD");
      const headers = header === undefined ? session : { ...session, Authorization: header };
      const send = async (body: string) => {
        const answer = await ask(url, { headers, body });
        assert.equal(answer.status, 200, name);
        assert.equal(answer.headers["www-authenticate"], undefined);
        return answerOf(answer);
      };
      const start = await send(toolCall(1, "track_session_start", withArgument(startArguments(), argument)));
      assert.equal(start.result?.structuredContent?.error, sentence, name);
      const query = await send(toolCall(2, "get_session", withArgument({ session_id: "nothing" }, argument)));
      assert.equal(query.result?.structuredContent?.error, sentence, name);
      const params = { uri: "session://nothing", _meta: withArgument({}, argument) };
      const { error } = await send(rpc(3, "resources/read", params));
      const words = sentence ?? "Resource not found";
      assert.deepEqual([error?.code, error?.message], [sentence === null ? -32002 : -32602, words], name);
    }
  });
}

test("a token in the wrong place of a message is none", async (t) => {
  const { url } = await createSandbox(t).serve({ SESSION_BUDDY_SECRET: secret });
  const params = { name: "get_session", arguments: { session_id: "nothing" }, _meta: { token: good }, token: good };
  const call = answerOf(await ask(url, { body: rpc(1, "tools/call", params) }));
  assert.equal(call.result?.structuredContent?.error, required);
  const reading = { uri: "session://nothing", arguments: { token: good }, token: good };
  assert.equal(answerOf(await ask(url, { body: rpc(1, "resources/read", reading) })).error?.message, required);
});

test("the user of the header's token is kept with the event, that of the argument before it", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve({ SESSION_BUDDY_SECRET: secret });
  const other = await tokenMakers.hand(claims({ user_id: "of-the-argument" }));
  for (const [token, caller] of [
    [undefined, "the-right-one"],
    [other, "of-the-argument"],
  ] as const) {
    const body = toolCall(1, "track_session_start", startArguments({ token }));
    const answer = answerOf(await ask(url, { headers: { Authorization: `Bearer ${good}` }, body }));
    const id = String(answer.result?.structuredContent?.session_id);
    const shown = JSON.parse(await runWell(sandbox, ["show", id, "--json"]));
    assert.equal(shown.events[0].caller, caller);
  }
});

test("without a secret the header is ignored, whatever it holds", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  for (const header of [`Bearer ${good}`, `Bearer ${wrong}`, "Basic dTpw", "", [`Bearer ${old}`, "x"]]) {
    const body = toolCall(1, "track_session_start", startArguments());
    const { result } = answerOf(await ask(url, { headers: { Authorization: header }, body }));
    assert.equal(result?.structuredContent?.status, "tracked");
    const id = String(result?.structuredContent?.session_id);
    assert.equal(JSON.parse(await runWell(sandbox, ["show", id, "--json"])).events[0].caller, null);
  }
});
