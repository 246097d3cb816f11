/** What `--json` prints about a session, and short ways to ask the real program for it. */
import assert from "node:assert/strict";
import type { Outcome, RunOptions, Sandbox } from "./sandbox.ts";

/** The keys that `--json` promises, in their order. */
export const rowKeys = [
  "session_id",
  "state",
  "component_name",
  "shell_type",
  "pid",
  "hostname",
  "username",
  "cwd",
  "started_at",
  "ended_at",
  "ended_after",
  "ended_before",
  "duration_ms",
  "exit_code",
  "end_reason",
  "ended_by",
  "signal",
  "idle_ms",
  "uid",
  "tty",
  "login_uid",
  "login_user",
  "audit_session",
  "systemd_session",
  "parent_session",
  "via",
  "multiplexer",
  "container",
  "remote",
  "terminal_program",
  "origin",
  "as_of",
] as const;

export type SessionRow = Readonly<Record<(typeof rowKeys)[number], string | number | null>>;

/** Runs a command that must succeed without a word on standard error. @returns its standard output */
export async function runWell(sandbox: Sandbox, args: readonly string[], options?: RunOptions): Promise<string> {
  const outcome = await sandbox.run(args, options);
  assert.deepEqual({ ...outcome, stdout: "" }, { status: 0, signal: null, stdout: "", stderr: "" }, args.join(" "));
  return outcome.stdout;
}

/** @returns every session on record, newest first */
export async function allRows(sandbox: Sandbox): Promise<readonly SessionRow[]> {
  return JSON.parse(await runWell(sandbox, ["list", "--all", "--json"]));
}

/** Checks that a command failed with this status and one clear sentence: no stack, no second line, nothing on output. */
export function assertRefused(outcome: Outcome, status: number, words: RegExp): void {
  assert.equal(outcome.status, status, outcome.stderr);
  assert.equal(outcome.stdout, "");
  assert.match(outcome.stderr, /^session-buddy: [^\n]+\n$/);
  assert.match(outcome.stderr, words);
}
