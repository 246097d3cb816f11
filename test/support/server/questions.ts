/** Questions over MCP: one way to ask them, which holds every answer to its bare form, and the arguments that are refused. */
import assert from "node:assert/strict";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";

export const questionTools = [
  "list_active_sessions",
  "search_sessions",
  "get_session",
  "explain_session",
  "session_stats",
  "session_timeline",
] as const;
export type QuestionTool = (typeof questionTools)[number];

type Json = Readonly<Record<string, unknown>>;

export interface QuestionAnswer extends Json {
  readonly status: "ok" | "not_found" | "error";
  readonly error: string | null;
}

/** The data of an answer that has none. */
export const blanks: Readonly<Record<QuestionTool, Json>> = {
  list_active_sessions: { sessions: [], next_cursor: null },
  search_sessions: { sessions: [], next_cursor: null },
  get_session: { session: null, events: [] },
  explain_session: { explanation: null },
  session_stats: { by: null, groups: [], omitted: 0 },
  session_timeline: { since: null, until: null, by: null, lines: [], omitted: 0, complete: false },
};

/** Everything that a terminal would act on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const raw = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Asks, and holds the answer to its form. The client checks the output's schema once it has listed the tools. */
export async function question(client: Client, tool: QuestionTool, args: Json = {}): Promise<QuestionAnswer> {
  const before = Date.now();
  const {
    structuredContent,
    content,
    isError = false,
    ...others
  } = await client.callTool({
    name: tool,
    arguments: { ...args },
  });
  assert.equal(isError, false);
  assert.deepEqual(others, {});
  const [block] = content as { text: string }[];
  assert.deepEqual(content, [{ type: "text", text: block?.text }]);
  assert.doesNotMatch(String(block?.text), raw);
  assert.deepEqual(JSON.parse(String(block?.text)), structuredContent);
  const { as_of, ...answer } = structuredContent as Json;
  assert.match(String(as_of), /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
  assert.ok(Date.parse(String(as_of)) >= before);
  assert.deepEqual(Object.keys(answer), ["status", "error", ...Object.keys(blanks[tool])]);
  return answer as QuestionAnswer;
}

export interface RefusedQuestion {
  readonly tool: QuestionTool;
  readonly args: Json;
  readonly sentence: string;
}

const example = "Input should be a timestamp (expected format: 2026-02-06T12:34:56.789Z)";
const states = "states: Input should be a list of 'active', 'orphaned', 'replaced' or 'ended'";
const by = "by: Input should be 'user', 'host', 'component', 'state' or 'day'";

const searchRules: readonly (readonly [args: Json, sentence: string])[] = [
  [{ limit: 201 }, "limit: Input should be less than or equal to 200"],
  [{ limit: "201" }, "limit: Input should be less than or equal to 200"],
  [{ limit: 0 }, "limit: Input should be greater than or equal to 1"],
  [{ limit: -1 }, "limit: Input should be greater than or equal to 1"],
  [{ limit: 1.5 }, "limit: Input should be a valid integer"],
  [{ limit: "all" }, "limit: Input should be a valid integer"],
  [{ limit: [] }, "limit: Input should be a valid integer"],
  [{ username: 5 }, "username: Input should be a valid string"],
  [{ username: "\ud800" }, "username: Input should be a valid string"],
  [{ hostname: "x".repeat(256) }, "hostname: String should have at most 255 characters"],
  [{ component_name: "x".repeat(101) }, "component_name: String should have at most 100 characters"],
  [{ login_user: 5 }, "login_user: Input should be a valid string"],
  [{ tty: "x".repeat(65) }, "tty: String should have at most 64 characters"],
  [{ cwd: "srv" }, "cwd: Input should be an absolute path"],
  [{ cwd: "" }, "cwd: Input should be an absolute path"],
  [{ state: "active" }, "state: Unexpected argument"],
  [{ limit: 0, nothing: null }, "limit: Input should be greater than or equal to 1; nothing: Unexpected argument"],
];
const filterRules: readonly (readonly [args: Json, sentence: string])[] = [
  ...["active", [], ["open"], [["active"]], { 0: "active" }].map((value) => [{ states: value }, states] as const),
  [{ open_since: "yesterday" }, `open_since: ${example}`],
  [{ open_until: "2026-02-30T00:00:00Z" }, `open_until: ${example}`],
  [{ started_since: "2026-02-06T00:00:00" }, `started_since: ${example}`],
  [{ started_since: 5 }, "started_since: Input should be a valid string"],
];

/** Arguments that break a rule, and the whole sentence that says so; none of them repeats a value. */
export const refusedQuestions: readonly RefusedQuestion[] = [
  ...searchRules.map(([args, sentence]) => ({ tool: "list_active_sessions" as const, args, sentence })),
  { tool: "list_active_sessions", args: { cursor: 5 }, sentence: "cursor: Input should be a valid string" },
  { tool: "list_active_sessions", args: { states: ["ended"] }, sentence: "states: Unexpected argument" },
  ...filterRules.map(([args, sentence]) => ({ tool: "search_sessions" as const, args, sentence })),
  ...[...searchRules, ...filterRules].map(([args, sentence]) => ({
    tool: "session_timeline" as const,
    args,
    sentence,
  })),
  ...["host", "", 5, ["user"]].map((value) => ({
    tool: "session_timeline" as const,
    args: { by: value },
    sentence: "by: Input should be 'session' or 'user'",
  })),
  { tool: "session_timeline", args: { cursor: "x" }, sentence: "cursor: Unexpected argument" },
  ...[...searchRules, ...filterRules].map(([args, sentence]) => ({
    tool: "session_stats" as const,
    args: { by: "user", ...args },
    sentence,
  })),
  { tool: "session_stats", args: {}, sentence: "by: Field required" },
  ...["shell", "", 5, null, ["user"]].map((value) => ({
    tool: "session_stats" as const,
    args: { by: value },
    sentence: by,
  })),
  { tool: "session_stats", args: { by: "user", cursor: "x" }, sentence: "cursor: Unexpected argument" },
  ...(["get_session", "explain_session"] as const).flatMap((tool) => [
    { tool, args: {}, sentence: "session_id: Field required" },
    { tool, args: { session_id: 5 }, sentence: "session_id: Input should be a valid string" },
    { tool, args: { session_id: "x".repeat(256) }, sentence: "session_id: String should have at most 255 characters" },
    { tool, args: { session_id: "x", id: "x" }, sentence: "id: Unexpected argument" },
  ]),
];
