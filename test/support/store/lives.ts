/** Owns sessions of a given length, for what counts and copies them. */
import { randomUUID } from "node:crypto";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import { instantFromMs, instantToMs } from "../../../src/tracker/instant.ts";
import { at, deathEvent, endEvent, startEvent } from "./session-events.ts";

/** When each of them starts. */
export const livesStartedAt = at("2026-03-02T23:30:00Z");

/** A session that lasted so many minutes, or is open (null), or orphaned ("lost"). */
export function lasting(minutes: number | null | "lost", username: string, hostname = "one"): SessionEvent[] {
  const sessionId = randomUUID();
  const start = startEvent({ username, hostname, timestamp: livesStartedAt }, { sessionId });
  const later = (ms: number) => instantFromMs(instantToMs(livesStartedAt) + ms);
  if (minutes === null) return [start];
  if (minutes === "lost")
    return [start, deathEvent({ detectedAt: later(1), lastAliveAt: livesStartedAt }, { sessionId })];
  return [start, endEvent({ timestamp: later(minutes * 60_000) }, { sessionId })];
}
