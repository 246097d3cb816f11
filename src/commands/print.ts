/** Owns how sessions look: stable JSON keys for programs, aligned text for people. For commands alone. */
import { writeSync } from "node:fs";
import { escapeControls } from "../log.ts";
import type { Session } from "../tracker/fold.ts";
import { formatInstant, type Instant } from "../tracker/instant.ts";

const standardOutput = 1;
const pauseMs = 5;

/** The keys that `--json` promises; null where not known. Times are RFC 3339, durations milliseconds. */
export function toJsonRow(session: Session) {
  return {
    session_id: session.sessionId,
    state: session.state,
    component_name: session.componentName,
    shell_type: session.shellType,
    pid: session.pid,
    hostname: session.hostname,
    username: session.username,
    cwd: session.cwd,
    started_at: formatInstant(session.startedAt),
    ended_at: formatted(session.endedAt),
    ended_after: formatted(session.endedAfter),
    ended_before: formatted(session.endedBefore),
    duration_ms: session.durationMs,
    exit_code: session.exitCode,
    end_reason: session.endReason,
  };
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/**
 * Writes one line of data to standard output. What it holds must be escaped already.
 *
 * Written past `process.stdout`, whose streams cost a tenth of an empty Node.js to load. A reader that has stopped
 * reading, as `head` does, is no failure.
 */
export function printLine(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(standardOutput, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      // The pipe is full and not ours to make blocking; wait a moment for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}

/** @returns lines of aligned columns, each cell escaped, no trailing spaces. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(escapeControls));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function formatted(instant: Instant | null): string | null {
  return instant === null ? null : formatInstant(instant);
}
