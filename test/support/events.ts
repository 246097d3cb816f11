/** Arguments of tool calls that keep every rule of the contract, to be changed where a test needs it. */
import { randomUUID } from "node:crypto";

/** A start of another host, so that its directory is not looked at. */
export function startArguments(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    event_version: "1.0",
    event_id: randomUUID(),
    component_name: "mahavishnu",
    shell_type: "MahavishnuShell",
    timestamp: "2026-02-06T12:34:56.789012+00:00",
    pid: 12345,
    user: { username: "les", home: "/home/les" },
    hostname: "another-host",
    environment: { python_version: "3.13.0", platform: "Linux-6.1", cwd: "/home/les/project" },
    ...changes,
  };
}

export function endArguments(
  sessionId: unknown,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { session_id: sessionId, timestamp: "2026-02-06T13:34:56.789012+00:00", ...changes };
}
