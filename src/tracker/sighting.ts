/** Owns what a look at living processes proves later, when they are found dead. Part of the pure core. */
import type { BootClock } from "./event.ts";
import { type Instant, instantFromMs } from "./instant.ts";

/** A moment by both clocks of the machine. The wall clock may be set at any time, the boot clock never is. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly bootClock: BootClock | null;
}

/** Sessions whose processes were looked at after a moment, and were alive. */
export interface Sighting extends Moment {
  /** Event ids of their starts, because a session id might be given again in a new store. */
  readonly starts: readonly string[];
}

/** The boot clock is read in steps of this many milliseconds, rounded down. */
const bootClockStepMs = 10;
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * Adds a look to what earlier looks have shown. Who could not be looked at this time keeps the last time it was seen.
 *
 * @param open - event ids of the starts of all sessions that are still open; the others are forgotten
 */
export function withSighting(
  earlier: readonly Sighting[],
  latest: Sighting,
  open: ReadonlySet<string>,
): readonly Sighting[] {
  const seen = new Set(latest.starts);
  const kept = earlier.map((sighting) => ({
    ...sighting,
    starts: sighting.starts.filter((id) => open.has(id) && !seen.has(id)),
  }));
  return [...kept, latest].filter(({ starts }) => starts.length > 0);
}

/**
 * @param start - the event id of the session's start
 * @returns when the session's process was last seen alive; null when it never was
 */
export function lastSighting(sightings: readonly Sighting[], start: string): Moment | null {
  return sightings.findLast(({ starts }) => starts.includes(start)) ?? null;
}

/**
 * Says by the clock of today when a process was last seen alive. The wall clock may have been set since: what it showed
 * then and what the boot clock makes of it now are both taken, and the earlier counts, because a bound that is too early
 * is still true.
 *
 * @param now - the moment of the proof of death, the wall clock read first
 */
export function lastAliveAt(seen: Moment, now: Moment): Instant {
  const { bootClock } = seen;
  if (bootClock === null || now.bootClock === null || bootClock.bootId !== now.bootClock.bootId) {
    return instantFromMs(seen.atMs);
  }
  const agoMs = now.bootClock.ms - bootClock.ms;
  return instantFromMs(Math.min(seen.atMs, now.atMs - agoMs - bootClockStepMs));
}

/** @param text - sightings as JSON; whatever else is read as none, because it proves nothing */
export function parseSightings(text: string): readonly Sighting[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isSighting) ? value : [];
  } catch {
    return [];
  }
}

function isSighting(value: unknown): value is Sighting {
  const { atMs, bootClock, starts } = (value ?? {}) as Partial<Sighting>;
  return (
    isTime(atMs) &&
    (bootClock === null || (typeof bootClock?.bootId === "string" && isTime(bootClock.ms))) &&
    Array.isArray(starts) &&
    starts.every((start) => typeof start === "string")
  );
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && 0 <= Number(value) && Number(value) <= latestMs;
}
