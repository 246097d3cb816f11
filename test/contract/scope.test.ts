/** Proves at every door of a server that the scope of a token opens what its words say, and that a mistake in one opens nothing. */
import assert from "node:assert/strict";
import { get } from "node:http";
import { test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { createSandbox, type RunningServer } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { questionTools } from "../support/server/questions.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

const beyond = "❌ Authentication failed: The scope of this token does not allow it";

/** Whose sessions are seen, `none` where nobody is answered, and whether something is recorded. */
interface Opens {
  readonly reads: "all" | "ann" | "none";
  readonly records: boolean;
}

const everything: Opens = { reads: "all", records: true };
const nothing: Opens = { reads: "none", records: false };

/** What tokens of ann claim, and what that opens. */
const scopes: readonly (readonly [scope: unknown, opens: Opens])[] = [
  [undefined, everything],
  ["openid profile", everything],
  ["read:all", { reads: "all", records: false }],
  ["read:own", { reads: "ann", records: false }],
  [["read:own"], { reads: "ann", records: false }],
  ["write", { reads: "none", records: true }],
  ["write read:own", { reads: "ann", records: true }],
  ["read:all write", everything],
  ["admin", everything],
  ["admin read:own", everything],
  ["read:bob", nothing],
  ["read:own:bob", nothing],
  ["read:*", nothing],
  ["read", nothing],
  ["READ:ALL", nothing],
  ["read:all,write", nothing],
  ["openid,read:own", nothing],
  ["read:own\tadmin", nothing],
  ["write:all", nothing],
  ["write:read:all", nothing],
  ["Write", nothing],
  ["admin:", nothing],
  ["admin:read", nothing],
  ["ADMIN", nothing],
  ["write admin:", { reads: "none", records: true }],
  ["read:own admin:", { reads: "ann", records: false }],
];

const stories: readonly Story[] = ["ann", "bob"].map((username) => ({
  id: `of-${username}`,
  from: "2026-03-10T08:00:00Z",
  start: { username },
}));

const args: Readonly<Record<(typeof questionTools)[number], (id: string) => object>> = {
  list_active_sessions: () => ({}),
  search_sessions: () => ({}),
  get_session: (id) => ({ session_id: id }),
  explain_session: (id) => ({ session_id: id }),
  session_stats: () => ({ by: "user" }),
  session_timeline: () => ({ open_since: "2026-03-10T00:00:00Z" }),
};

const paths = ["sessions", "sessions/of-ann", "sessions/of-bob", "sessions/of-bob/why", "stats?by=user", "timeline"];

/** What of the two users is in what a door answered; each of them stands in every answer about their sessions. */
function seenIn(text: string): string[] {
  return ["ann", "bob"].filter((name) => new RegExp(`"(?:username|key)":"${name}"|"of-${name}"`).test(text));
}

function door({ url }: RunningServer, token: string) {
  const headers = { Authorization: `Bearer ${token}` };
  const rpc = async (method: string, params: unknown) => {
    const answer = await ask(url, { headers, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
    return JSON.parse(answer.body);
  };
  return {
    call: async (tool: string, given: object) =>
      JSON.parse((await ask(url, { headers, body: toolCall(1, tool, given) })).body).result.structuredContent,
    read: (uri: string) => rpc("resources/read", { uri }),
    get: (path: string) => ask(new URL(path, url).href, { method: "GET", headers }),
    /** The first message of a stream and the one after it, or the refusal. */
    live: () =>
      new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
        const asked = get(new URL("v1/live?from=0", url), { headers }, (response) => {
          let text = "";
          const done = () => {
            asked.destroy();
            resolve({ status: response.statusCode ?? 0, text });
          };
          response.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
            if (response.statusCode !== 200 || text.split("event: record").length > 1) done();
          });
        });
        asked.once("error", (error) => asked.destroyed || reject(error));
      }),
  };
}

test("at every door a scope opens what its words say, and nothing more", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, stories);
  const server = await sandbox.serve({ SESSION_BUDDY_SECRET: secret, SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: "0" });
  for (const [scope, { reads, records }] of scopes) {
    await t.test(JSON.stringify(scope) ?? "no scope", async () => {
      const { call, read, get, live } = door(server, await tokenMakers.hand(claims({ user_id: "ann", scope })));
      const expected: readonly string[] = { all: ["ann", "bob"], ann: ["ann"], none: [] }[reads];
      const isSeen = (id: string) => expected.some((name) => id === `of-${name}`);
      for (const tool of questionTools) {
        for (const id of ["of-ann", "of-bob"]) {
          const answer = await call(tool, args[tool](id));
          const isOne = tool === "get_session" || tool === "explain_session";
          const status = reads === "none" ? "error" : isOne && !isSeen(id) ? "not_found" : "ok";
          assert.deepEqual([answer.status, answer.error], [status, reads === "none" ? beyond : null], tool);
          const seen = isOne ? expected.filter((name) => id === `of-${name}`) : expected;
          assert.deepEqual(seenIn(JSON.stringify(answer)), seen, tool);
        }
      }
      for (const id of ["of-ann", "of-bob"]) {
        const { result, error } = await read(`session://${id}`);
        assert.equal(result !== undefined, isSeen(id), id);
        if (reads === "none") assert.equal(error.message, beyond);
      }
      for (const path of paths) {
        const { status, body } = await get(`v1/${path}`);
        const isMissing = path.includes("of-") && !isSeen(path.split("/")[1] ?? "");
        assert.equal(status, reads === "none" ? 403 : isMissing ? 404 : 200, path);
        for (const name of seenIn(body)) assert.ok(expected.includes(name), path);
      }
      const stream = await live();
      assert.equal(stream.status, reads === "none" ? 403 : 200);
      for (const name of seenIn(stream.text)) assert.ok(expected.includes(name), stream.text);
      // The numbers are those of everybody.
      assert.equal((await get("metrics")).status, reads === "all" ? 200 : 401);

      const started = await call("track_session_start", startArguments({ user: { username: "eve", home: "/" } }));
      assert.deepEqual([started.status, started.error], records ? ["tracked", null] : ["error", beyond]);
      // An end that changes nothing: of what is not on record.
      const ended = await call("track_session_end", endArguments("of-nobody"));
      assert.deepEqual([ended.status, ended.error], records ? ["not_found", null] : ["error", beyond]);
      if (!records) assert.equal((await call("track_session_end", endArguments("of-bob"))).status, "error");
    });
  }
  const { stdout } = await sandbox.run(["list", "--all", "--json"]);
  const rows: { username: string; state: string }[] = JSON.parse(stdout);
  assert.deepEqual(
    rows.filter(({ username }) => username === "eve").length,
    scopes.filter(([, { records }]) => records).length,
  );
  assert.ok(rows.every(({ state }) => state === "active"));
});
