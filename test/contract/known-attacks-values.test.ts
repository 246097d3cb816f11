/** Proves that values of clients stay values: in the record, in the headers of answers and in the log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { createSandbox, type RunningServer } from "../support/sandbox.ts";
import { readLogLine } from "../support/server/log-lines.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";
import { askTogether, openSession, post } from "../support/server/wire-mcp.ts";

const inherited = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "toJSON", "prototype"];

test("names that objects inherit are data like others: stored, and listed as they were sent", async (t) => {
  const server = await createSandbox(t).serve();
  const named = (value: string) => `{${inherited.map((name) => `"${name}":${value}`).join(",")}}`;
  const polluting = named('{"polluted":true,"status":"ended"}');
  const body = toolCall(1, "track_session_start", startArguments({ metadata: "@" }))
    .replace('"metadata":"@"', () => `"metadata":${polluting}`)
    .replace('"environment":{', () => `"environment":${named('"text"').slice(0, -1)},`);
  const started = await contentOf(server, body);
  assert.equal(started.status, "tracked");
  const text = (await ask(server.url, { body: toolCall(1, "get_session", { session_id: started.session_id }) })).body;
  const details = JSON.parse(text).result.structuredContent.events[0].details;
  assert.equal(sorted(details.metadata), sorted(JSON.parse(polluting)));
  const known = Object.entries({ python_version: "3.13.0", platform: "Linux-6.1", cwd: "/home/les/project" });
  assert.equal(
    sorted(details.environment),
    sorted(Object.fromEntries([...Object.entries(JSON.parse(named('"text"'))), ...known])),
  );
  for (const name of inherited) {
    const wrong = toolCall(1, "track_session_start", startArguments({ "@": 1 })).replace('"@"', () => `"${name}"`);
    assert.equal((await contentOf(server, wrong)).error, `Session start tracking failed: ${name}: Unexpected argument`);
  }
  assert.deepEqual(await contentOf(server, toolCall(1, "track_session_end", endArguments("nobody"))), {
    session_id: "nobody",
    status: "not_found",
    error: null,
  });
});

async function contentOf({ url }: RunningServer, body: string): Promise<Record<string, unknown>> {
  return JSON.parse((await ask(url, { body })).body).result.structuredContent;
}

/** JSON with its keys in order, those that objects inherit too. */
function sorted(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${sorted(item)}`)
    .sort()
    .join(",")}}`;
}

const forged = "x\r\nSet-Cookie: forged=1\r\n\r\nINFO - Session start tracked: session_id=forged\u001b[2J\u202e";

/** Messages with a hostile text in each place that a client writes, but for the fields of events (`log.test.ts`). */
const hostileMessages: readonly string[] = [
  toolCall(forged, "health_check", { [forged]: forged }),
  toolCall(1, forged, {}),
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: forged }),
  JSON.stringify({ jsonrpc: "2.0", method: forged, params: { [forged]: forged } }),
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: `session://${forged}` } }),
  JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "resources/read",
    params: { uri: "session://x", _meta: { token: forged } },
  }),
  toolCall(1, "get_session", { session_id: forged, [forged]: 1, token: forged }),
  toolCall(1, "search_sessions", { cursor: forged, cwd: forged, open_since: forged, states: [forged], limit: forged }),
  toolCall(1, "session_stats", { by: forged }),
];

test("no text of a client gets into the headers of an answer, or makes a line of the log, in a session or without", async (t) => {
  const server = await createSandbox(t).serve();
  const allowed = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "mcp-session-id",
    "transfer-encoding",
    "x-accel-buffering",
  ];
  for (const headers of [{}, await openSession(server.url)]) {
    // In a session, a second request with the id of one that is under way is refused.
    const messages = hostileMessages.map((message, index) => message.replace('"id":1', `"id":${index + 1}`));
    const requests = messages.map((message) => post(server.url, message, headers));
    for (const answer of await askTogether(server.url, requests)) {
      for (const [name, value] of answer.headers) {
        assert.ok(allowed.includes(name), name);
        assert.doesNotMatch(value, /forged/);
      }
    }
  }
  const lines = await eventually(() => {
    const all = server.log().trimEnd().split("\n").slice(1);
    assert.ok(all.length >= 6, server.log());
    return all;
  });
  for (const line of lines) assert.equal(readLogLine(line).message, "Question failed", line);
});

test("no header, path or method of a request makes a line of the log", async (t) => {
  const server = await createSandbox(t).serve();
  const strange = "\u001b[2J\u0085";
  const requests = ["GET", "POST"].map((method) => ({
    method,
    bytes: Buffer.from(
      `${method} /mcp?${"%0d%0aINFO"} HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: ${strange.slice(1)}\r\nUser-Agent: ${strange.slice(1)}\r\nContent-Length: 0\r\n\r\n`,
      "latin1",
    ),
  }));
  const statuses = (await askTogether(server.url, requests)).map(({ status }) => status);
  assert.deepEqual(statuses, [404, 415]);
  assert.equal(server.log().trimEnd().split("\n").length, 1);
});
