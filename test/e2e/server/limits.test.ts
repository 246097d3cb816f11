/** Proves what a server takes of one address, calls and refused tokens; and who is served nevertheless. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLimit, network } from "../../../src/server/http/limits.ts";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { answerOf, askForSession, initialize, rpc } from "../../support/server/door.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, type HttpAnswer, type HttpQuestion, toolCall } from "../../support/server/raw-http.ts";

const good = await tokenMakers.jose(claims());
const withGood = { Authorization: `Bearer ${good}` };

function assertTooMany(answer: HttpAnswer, words: RegExp): void {
  assert.equal(answer.status, 429, answer.body);
  const seconds = String(answer.headers["retry-after"]);
  assert.match(seconds, /^[1-9]\d*$/);
  assert.match(String(answerOf(answer).error?.message), words);
  assert.ok(answer.body.includes(`try again in ${seconds} s`));
}

test("an address that calls too often has to wait, and is served after it", async (t) => {
  const { url } = await createSandbox(t).serve({ SESSION_BUDDY_MAX_CALLS_PER_SECOND: "1" });
  const ping = () => ask(url, { body: rpc(1, "ping") });
  const refused = await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, ping));
    const found = answers.find(({ status }) => status !== 200);
    assert.ok(found, "all were served");
    return found;
  });
  assertTooMany(refused, /^Too many calls/);
  for (const method of ["GET", "DELETE", "OPTIONS"]) {
    await eventually(async () => assertTooMany(await ask(url, { method }), /^Too many calls/));
  }
  assert.equal((await ask(new URL("/health", url).href, { method: "GET" })).status, 200);
  await eventually(async () => assert.equal((await ping()).status, 200));
});

/** Each way to be refused once: what is sent, and the status of the answer. */
function refusedWays(url: string): readonly (() => Promise<HttpAnswer>)[] {
  const post = (body: string, headers: HttpQuestion["headers"] = {}) => ask(url, { body, headers });
  const metrics = new URL("/metrics", url).href;
  const session = `${url}?session=true`;
  return [
    () => post(toolCall(1, "track_session_start", startArguments())),
    () => post(toolCall(1, "track_session_end", { token: "wrong" })),
    () => post(toolCall(1, "get_session", { session_id: "x", token: "wrong" }), withGood),
    () => post(rpc(1, "resources/read", { uri: "session://x" })),
    () => post(rpc(1, "resources/read", { uri: "session://x", _meta: { token: "wrong" } }), withGood),
    () => ask(metrics, { method: "GET" }),
    () => ask(metrics, { method: "GET", headers: { Authorization: "Bearer wrong" } }),
    () => ask(session, { body: initialize }),
    () => ask(session, { body: initialize, headers: { Authorization: "Bearer wrong" } }),
  ];
}

test("each way to be refused counts, and beyond the limit who has no good token waits while others are served", async (t) => {
  const ways = refusedWays("http://127.0.0.1/").length;
  const { url } = await createSandbox(t).serve({
    SESSION_BUDDY_SECRET: secret,
    SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: String(ways),
  });
  const statuses: number[] = [];
  for (const way of refusedWays(url)) statuses.push((await way()).status);
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 401, 401, 400, 400]);
  for (const way of refusedWays(url)) assertTooMany(await way(), /^Too many refused tokens/);

  const session_id = "nothing";
  const byArgument = await ask(url, { body: toolCall(1, "get_session", { session_id, token: good }) });
  assert.equal(answerOf(byArgument).result?.structuredContent?.status, "not_found");
  const args = { session_id, token: "" };
  const mixed = { name: "get_session", arguments: args, _meta: { token: "wrong" } };
  const byHeader = await ask(url, { headers: withGood, body: rpc(1, "tools/call", mixed) });
  assert.equal(answerOf(byHeader).result?.structuredContent?.status, "not_found");
  const read = { uri: "session://nothing", _meta: { token: good }, arguments: { token: "wrong" } };
  assert.equal(answerOf(await ask(url, { body: rpc(1, "resources/read", read) })).error?.code, -32002);
  assert.equal((await ask(new URL("/metrics", url).href, { method: "GET", headers: withGood })).status, 200);
  assert.equal((await askForSession(url, withGood)).status, 200);

  for (const body of [rpc(1, "tools/list"), rpc(1, "ping"), toolCall(1, "health_check", {}), initialize]) {
    assert.ok(answerOf(await ask(url, { body })).result, body);
  }
  assert.equal((await ask(new URL("/health", url).href, { method: "GET" })).status, 200);
  for (const way of refusedWays(url)) assertTooMany(await way(), /^Too many refused tokens/);
});

test("a limit counts each address, gives way when its time is over, and 0 is none", async () => {
  const limit = createLimit(2, 1);
  assert.equal(await limit.look("192.0.2.1"), null);
  await eventually(async () => {
    const [, , third] = [await limit.take("192.0.2.1"), await limit.take("192.0.2.1"), await limit.take("192.0.2.1")];
    assert.equal(third, 1);
  });
  assert.equal(await limit.take("192.0.2.2"), null);
  await eventually(async () => assert.equal(await limit.look("192.0.2.1"), null));
  const none = createLimit(0, 60);
  for (let count = 0; count < 1000; count += 1) assert.equal(await none.take("192.0.2.1"), null);
  assert.equal(await none.look("192.0.2.1"), null);
});

test("64 bits of an IPv6 address are one address, and an IPv4 address is the same in either form", () => {
  const networks: Readonly<Record<string, string>> = {
    "192.0.2.1": "192.0.2.1",
    "::ffff:192.0.2.1": "192.0.2.1",
    "127.0.0.1": "127.0.0.0",
    "127.8.9.10": "127.0.0.0",
    "::ffff:127.0.0.1": "127.0.0.0",
    "::1": "127.0.0.0",
    "128.0.0.1": "128.0.0.1",
    "2001:db8::1": "2001:db8:0:0",
    "2001:db8::": "2001:db8:0:0",
    "2001:db8::2:0:0:1": "2001:db8:0:0",
    "2001:db8:1:2::1": "2001:db8:1:2",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2",
    "2001:db8:0:2:ffff:ffff:ffff:ffff": "2001:db8:0:2",
    "2001:db8:1::5:6:7:8": "2001:db8:1:0",
    "fe80::1%eth0": "fe80:0:0:0",
    "": "",
  };
  for (const [address, expected] of Object.entries(networks)) assert.equal(network(address), expected, address);
});
