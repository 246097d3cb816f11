/** What each client that people use must get done with a running server, whichever client it is. */
import assert from "node:assert/strict";
import { endArguments, startArguments } from "../events.ts";
import type { Sandbox } from "../sandbox.ts";

export const toolNames = [
  "track_session_start",
  "track_session_end",
  "health_check",
  "list_active_sessions",
  "search_sessions",
  "get_session",
  "explain_session",
  "session_stats",
  "session_timeline",
];

/** A client that is connected, or that connects for each call. */
export interface AnyClient {
  /** The names of the tools, in the order in which the server listed them. */
  toolNames(): Promise<readonly string[]>;
  /** Calls a tool and returns the object that the client hands to its user. */
  call(tool: string, args: Record<string, unknown>): Promise<unknown>;
}

const tokenRequired = "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)";

/**
 * Lists the tools, tracks a start and an end, holds both answers to the contract's bare objects (section 4), and finds
 * the session on record.
 *
 * @param credentials - arguments that each call gets besides its own
 */
export async function assertExchange(
  client: AnyClient,
  sandbox: Sandbox,
  credentials: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  assert.deepEqual(await client.toolNames(), toolNames);
  const started = await client.call("track_session_start", startArguments(credentials));
  assert.deepEqual(started, { session_id: "mahavishnu-20260206-123456", status: "tracked", error: null });
  const { session_id } = started as { session_id: string };
  const ended = await client.call("track_session_end", endArguments(session_id, credentials));
  assert.deepEqual(ended, { session_id, status: "ended", error: null });
  const { stdout } = await sandbox.run(["list", "--all", "--json"]);
  const rows = JSON.parse(stdout) as Record<string, unknown>[];
  const [{ started_at, ended_at, state } = {}] = rows;
  assert.deepEqual(
    [rows.length, rows[0]?.session_id, started_at, ended_at, state],
    [1, session_id, "2026-02-06T12:34:56.789012Z", "2026-02-06T13:34:56.789012Z", "ended"],
  );
}

/** On a server with a secret, a call without a token is refused in the contract's words, as an answer (section 5). */
export async function assertTokenRequired(client: AnyClient): Promise<void> {
  const refused = { session_id: null, status: "error", error: tokenRequired };
  assert.deepEqual(await client.call("track_session_start", startArguments()), refused);
}
