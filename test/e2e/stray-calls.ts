/** Calls that carry a token where none belongs, and requests that do: what careless and hostile clients send. */
import { endArguments, startArguments } from "../support/events.ts";
import type { HttpQuestion } from "../support/server/raw-http.ts";

/** One call of a tool. */
export type StrayCall = readonly [tool: string, args: Readonly<Record<string, unknown>>];

/**
 * None of them is put on record: what a caller wants recorded is its own data, whatever it is.
 *
 * @param token - of the call itself; undefined for a caller without
 */
export function strayCalls(stray: string, token: string | undefined): readonly StrayCall[] {
  const start = (changes: Readonly<Record<string, unknown>>): StrayCall => [
    "track_session_start",
    startArguments({ token, ...changes }),
  ];
  return [
    ...["event_id", "event_version", "event_type", "component_name", "timestamp", "pid"].map((name) =>
      start({ [name]: stray }),
    ),
    start({ component_name: `${stray}\n` }),
    start({ hostname: stray, pid: 0 }),
    start({ shell_type: stray }),
    start({ user: { username: stray, home: stray } }),
    start({ environment: { python_version: "", platform: "", cwd: stray, extra: stray }, pid: 0 }),
    start({ environment: stray, metadata: stray }),
    start({ metadata: { authorization: stray }, pid: 0 }),
    start({ [stray]: 1 }),
    start({ token: `Bearer ${stray}` }),
    start({ token: [stray] }),
    start({ token: `${stray}x` }),
    ["track_session_end", endArguments(stray, { token })],
    ["track_session_end", endArguments(stray, { token, timestamp: stray })],
    ["track_session_end", endArguments("none", { token, event_type: stray })],
    ["track_session_end", endArguments(stray, { token: `${stray}.` })],
    ["get_session", { session_id: stray, token }],
    ["explain_session", { session_id: stray, token }],
    ["list_active_sessions", { cursor: stray, token }],
    ["search_sessions", { username: stray, hostname: stray, token }],
    ["search_sessions", { open_since: stray, [stray]: stray, token }],
    ["session_stats", { by: stray, token }],
    ["session_timeline", { by: stray, token }],
    [stray, { token: stray }],
  ];
}

/** Requests as they go over the wire, below the tools. */
export function strayRequests(stray: string): readonly (readonly [path: string, question: HttpQuestion])[] {
  const rpc = (message: unknown) => JSON.stringify({ jsonrpc: "2.0", id: 1, ...(message as object) });
  const list = rpc({ method: "tools/list" });
  const headers = ["X-Api-Key", "Cookie", "Host", "Origin", "Mcp-Session-Id", "Content-Type", "Accept", "User-Agent"];
  return [
    [`/mcp?token=${stray}`, { body: list }],
    [`/mcp?session=true&access_token=${stray}`, { body: rpc({ method: "initialize", params: {} }) }],
    [`/mcp/${stray}`, { body: list }],
    [`/${stray}`, { method: "GET" }],
    [`/health?token=${stray}`, { method: "GET" }],
    [`/healthz/${stray}`, { method: "GET" }],
    [`/metrics?token=${stray}`, { method: "GET" }],
    ["/metrics", { method: "GET", headers: { Authorization: `Basic ${stray}` } }],
    ["/metrics", { method: "GET", headers: { Authorization: `Bearer ${stray}x` } }],
    ["/mcp", { body: stray }],
    ["/mcp", { body: `{"token": "${stray}"` }],
    ["/mcp", { body: JSON.stringify([stray]) }],
    ["/mcp", { body: JSON.stringify({ padding: "x".repeat(300_000), token: stray }) }],
    ["/mcp", { body: rpc({ id: stray, method: "tools/list" }) }],
    ["/mcp", { body: rpc({ method: stray, params: { token: stray } }) }],
    ["/mcp", { body: rpc({ method: "resources/read", params: { uri: `session://${stray}` } }) }],
    ["/mcp", { body: rpc({ method: "resources/read", params: { uri: stray, _meta: { token: `${stray}x` } } }) }],
    ["/mcp", { method: "DELETE", headers: { "Mcp-Session-Id": stray } }],
    ["/mcp", { method: "PUT", headers: { Authorization: `Bearer ${stray}` } }],
    ...headers.map((name): readonly [string, HttpQuestion] => ["/mcp", { body: list, headers: { [name]: stray } }]),
    ["/mcp", { body: list, headers: { Authorization: `Bearer ${stray}\u00a0` } }],
    ["/mcp", { body: list, headers: { Authorization: stray.repeat(100) } }],
  ];
}
