/** Proves that the JSON API answers what the tools answer to the same question, and refuses what the tools refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { createSandbox, type RunningServer, type Sandbox } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { type QuestionTool, refusedQuestions } from "../support/server/questions.ts";
import { ask, type HttpAnswer } from "../support/server/raw-http.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

const stories: readonly Story[] = [
  { id: "one/1 ü?", from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00.5Z", end: { exitCode: 3, reason: "exit" } },
  { id: "lost", from: "2026-03-10T08:30:00Z", lost: ["2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z"] },
  { id: "open", from: "2026-03-10T09:30:00Z", start: { username: "ann", hostname: "web1" } },
];

type Args = Readonly<Record<string, unknown>>;

/** Each question as a path and as the tool's arguments. */
const questions: readonly (readonly [path: string, tool: QuestionTool, args: Args])[] = [
  ["sessions", "search_sessions", {}],
  ["sessions?limit=1", "search_sessions", { limit: 1 }],
  ["sessions?states=active", "search_sessions", { states: ["active"] }],
  ["sessions?states=ended&states=orphaned", "search_sessions", { states: ["ended", "orphaned"] }],
  [
    "sessions?username=ann&hostname=web1&cwd=/&limit=7",
    "search_sessions",
    { username: "ann", hostname: "web1", cwd: "/", limit: 7 },
  ],
  ["sessions?open_since=2026-03-10T09:30:00%2B00:00", "search_sessions", { open_since: "2026-03-10T09:30:00+00:00" }],
  ["sessions?username=nobody", "search_sessions", { username: "nobody" }],
  ["sessions/open", "get_session", { session_id: "open" }],
  [`sessions/${encodeURIComponent("one/1 ü?")}`, "get_session", { session_id: "one/1 ü?" }],
  ["sessions/nothing", "get_session", { session_id: "nothing" }],
  ["sessions/%E0%A4%A", "get_session", { session_id: "" }],
  ["sessions/lost/why", "explain_session", { session_id: "lost" }],
  ["sessions/nothing/why", "explain_session", { session_id: "nothing" }],
  ["stats?by=user", "session_stats", { by: "user" }],
  ["stats?by=day&limit=1&states=orphaned", "session_stats", { by: "day", limit: 1, states: ["orphaned"] }],
  [
    "timeline?open_since=2026-03-10T00:00:00Z&open_until=2026-03-11T00:00:00Z",
    "session_timeline",
    { open_since: "2026-03-10T00:00:00Z", open_until: "2026-03-11T00:00:00Z" },
  ],
  [
    "timeline?by=user&limit=1&open_since=2026-03-10T00:00:00Z&open_until=2026-03-11T00:00:00Z",
    "session_timeline",
    { by: "user", limit: 1, open_since: "2026-03-10T00:00:00Z", open_until: "2026-03-11T00:00:00Z" },
  ],
];

function get(
  { url }: RunningServer,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  return ask(new URL(`/v1/${path}`, url).href, { method: "GET", headers });
}

async function answerOf(client: Client, tool: string, args: Args): Promise<Args> {
  const { structuredContent } = await client.callTool({ name: tool, arguments: { ...args } });
  return structuredContent as Args;
}

/** The same but for the moment of the answer. */
function withoutMoment({ as_of, ...answer }: Args): Args {
  assert.match(String(as_of), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
  return answer;
}

async function openServer(sandbox: Sandbox, env: Readonly<Record<string, string>> = {}) {
  await recordHistory(sandbox, stories);
  const server = await sandbox.serve(env);
  return { server, client: await sandbox.httpClient(server) };
}

const statuses: Readonly<Record<string, number>> = { ok: 200, not_found: 404, error: 400 };

test("an answer is the structured content of the tool's, with the status that fits it", async (t) => {
  const { server, client } = await openServer(createSandbox(t));
  for (const [path, tool, args] of questions) {
    const answer = await get(server, path);
    const body = JSON.parse(answer.body);
    assert.deepEqual(withoutMoment(body), withoutMoment(await answerOf(client, tool, args)), path);
    assert.equal(answer.status, statuses[body.status], path);
    assert.deepEqual(
      [answer.headers["content-type"], answer.headers["cache-control"]],
      ["application/json", "no-store"],
    );
  }
});

test("pages follow each other by the cursor of the answer before", async (t) => {
  const { server } = await openServer(createSandbox(t));
  const ids: string[] = [];
  for (let path = "sessions?limit=2"; path !== ""; ) {
    const { sessions, next_cursor: next } = JSON.parse((await get(server, path)).body);
    ids.push(...sessions.map((row: { session_id: string }) => row.session_id));
    path = next === null ? "" : `sessions?limit=2&cursor=${next}`;
  }
  assert.deepEqual(ids, ["open", "lost", "one/1 ü?"]);
});

const paths: Partial<Record<QuestionTool, string>> = {
  search_sessions: "sessions",
  session_stats: "stats",
  session_timeline: "timeline",
};

/** Texts alone, and lists where one is asked for, can be said in a URL. */
function queryOf(args: Args): string | null {
  const entries = Object.entries(args).flatMap(([name, value]) => {
    const values = name === "states" && Array.isArray(value) ? value : [value];
    return values.length > 0 && values.every((one) => typeof one === "string" || typeof one === "number")
      ? values.map((one) => [name, String(one)])
      : [null];
  });
  const isSaid = entries.every((entry) => entry !== null) && !JSON.stringify(args).includes("\\ud800");
  return isSaid ? new URLSearchParams(entries as string[][]).toString() : null;
}

const hasNumber = ({ limit: _, ...args }: Args) => Object.values(args).some((value) => typeof value === "number");

test("what the tools refuse is refused in the same sentence", async (t) => {
  const { server, client } = await openServer(createSandbox(t));
  let asked = 0;
  for (const { tool, args } of refusedQuestions) {
    const query = paths[tool] === undefined ? null : queryOf(args);
    // In a URL, one state is a list of one, and every number a text.
    if (query === null || args.states === "active" || hasNumber(args)) continue;
    const expected = await answerOf(client, tool, {
      ...args,
      ...(args.states === undefined ? {} : { states: [args.states].flat() }),
    });
    if (expected.status !== "error") continue;
    const answer = await get(server, `${paths[tool]}?${query}`);
    const { error, ...rest } = withoutMoment(JSON.parse(answer.body));
    const { error: said, ...others } = withoutMoment(expected);
    assert.deepEqual([answer.status, rest], [400, others], query);
    if (!/valid string|valid integer/.test(String(said))) assert.equal(error, said, query);
    asked += 1;
  }
  assert.ok(asked > 20, String(asked));
  for (const path of [
    "sessions?limit=1&limit=2",
    "sessions?username=a&username=b",
    "sessions?nothing=1",
    "sessions?cursor=AAAA",
    "sessions/open?limit=1",
    "stats",
  ]) {
    const { status, body } = await get(server, path);
    assert.deepEqual([status, JSON.parse(body).status], [400, "error"], path);
  }
});

test("other paths, methods and a token in the URL are refused", async (t) => {
  const { server } = await openServer(createSandbox(t));
  for (const path of ["", "session", "sessions/", "sessions/a/b", "sessions/a/why/b", "STATS", "live/x"]) {
    assert.equal((await get(server, path)).status, 404, path);
  }
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const answer = await ask(new URL("/v1/sessions", server.url).href, { method });
    assert.deepEqual([answer.status, answer.headers.allow], [405, "GET, HEAD"]);
  }
  const head = await ask(new URL("/v1/sessions", server.url).href, { method: "HEAD" });
  assert.deepEqual([head.status, head.body], [200, ""]);
  const told = await get(server, "sessions?token=abc");
  assert.equal(told.status, 400);
  assert.match(told.body, /Authorization: Bearer TOKEN/);
  const foreign = await get(server, "sessions", { Host: "evil.example" });
  assert.equal(foreign.status, 403);
  // Nobody logs in at a server that is not the machine's.
  assert.equal((await ask(new URL("/v1/login", server.url).href, { body: "{}" })).status, 403);
});

test("with a secret every question needs a token in the header, and a scope narrows what it sees", async (t) => {
  const { server } = await openServer(createSandbox(t), { SESSION_BUDDY_SECRET: secret });
  const refusals: readonly (readonly [headers: Readonly<Record<string, string>>, sentence: string])[] = [
    [{}, "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)"],
    [{ Authorization: "Bearer x" }, "❌ Authentication failed: Invalid token"],
    [
      { Authorization: `Bearer ${await tokenMakers.jose(claims({ exp: 1 }))}` },
      "❌ Authentication failed: Token has expired",
    ],
  ];
  for (const path of [
    "sessions",
    "sessions/open",
    "sessions/open/why",
    "stats?by=user",
    "timeline",
    "live",
    "sessions?limit=0",
  ]) {
    for (const [headers, sentence] of refusals) {
      const { status, headers: answered, body } = await get(server, path, headers);
      assert.deepEqual([status, JSON.parse(body).error], [401, sentence], path);
      assert.match(String(answered["www-authenticate"]), /^Bearer /);
    }
  }
  const idsWith = async (scope: string | undefined) => {
    const Authorization = `Bearer ${await tokenMakers.jose(claims({ user_id: "ann", scope }))}`;
    const { status, body } = await get(server, "sessions", { Authorization });
    return [status, ...(JSON.parse(body).sessions ?? []).map((row: { session_id: string }) => row.session_id)];
  };
  const everything = [200, "open", "lost", "one/1 ü?"];
  assert.deepEqual(await idsWith(undefined), everything);
  assert.deepEqual(await idsWith("read:all"), everything);
  assert.deepEqual(await idsWith("read:own"), [200, "open"]);
  assert.deepEqual(await idsWith("read:nothing"), [403]);
});
