/** Owns how sessions look: stable JSON keys for programs, aligned text for people. For commands alone. */
import { escapeControls } from "../log.ts";
import type { Session } from "../tracker/fold.ts";
import { formatInstant, type Instant } from "../tracker/instant.ts";

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

/** Writes one line of data to standard output. What it holds must be escaped already. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
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
