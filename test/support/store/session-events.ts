/** Events of the tracker as values, to be changed where a test needs it. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type {
  DeathContent,
  DeathEvent,
  EndContent,
  EndEvent,
  Observation,
  SessionEvent,
  StartContent,
  StartEvent,
} from "../../../src/tracker/event.ts";
import { foldSession, type Session } from "../../../src/tracker/fold.ts";
import { type Instant, parseTimestamp } from "../../../src/tracker/instant.ts";

export const sampleSessionId = "mahavishnu-20260206-123456";

/** @param text - a timestamp of the wire contract */
export function at(text: string): Instant {
  const instant = parseTimestamp(text);
  assert.ok(instant !== null, `no timestamp: ${text}`);
  return instant;
}

export const observedNothing: Observation = {
  recordedAt: at("2026-02-06T12:34:57Z"),
  source: { kind: "client" },
  caller: null,
  process: null,
  bootClock: null,
  circumstances: null,
};

export const sampleStart: StartContent = {
  componentName: "mahavishnu",
  shellType: "MahavishnuShell",
  timestamp: at("2026-02-06T12:34:56.789012Z"),
  pid: 12345,
  username: "les",
  home: "/home/les",
  hostname: "another-host",
  pythonVersion: "3.13.0",
  platform: "Linux-6.1",
  cwd: "/home/les/project",
  environmentExtra: {},
  metadata: null,
};

export const sampleEnd: EndContent = {
  timestamp: at("2026-02-06T13:34:56.789012Z"),
  reason: "exit",
  exitCode: 0,
  signal: null,
  metadata: null,
};

export const sampleDeath: DeathContent = {
  lastAliveAt: at("2026-02-06T13:00:00Z"),
  detectedAt: at("2026-02-06T14:00:00Z"),
  proof: "pid_gone",
};

export function startEvent(changes: Partial<StartContent> = {}, recorded: Partial<StartEvent> = {}): StartEvent {
  return { kind: "start", ...shared(), content: { ...sampleStart, ...changes }, ...recorded };
}

export function endEvent(changes: Partial<EndContent> = {}, recorded: Partial<EndEvent> = {}): EndEvent {
  return { kind: "end", ...shared(), content: { ...sampleEnd, ...changes }, ...recorded };
}

export function deathEvent(changes: Partial<DeathContent> = {}, recorded: Partial<DeathEvent> = {}): DeathEvent {
  return { kind: "death", ...shared(), content: { ...sampleDeath, ...changes }, ...recorded };
}

/** The fold of events that have a start among them. */
export function folded(...events: readonly SessionEvent[]): Session {
  const session = foldSession(events);
  assert.ok(session !== null, "no start among the events");
  return session;
}

function shared() {
  return { eventId: randomUUID(), sessionId: sampleSessionId, observed: observedNothing };
}
