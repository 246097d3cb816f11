/** Owns how people name a moment: as ISO 8601, as an age, as a day, as a time of day. */
import { SessionBuddyError } from "../../tracker/errors.ts";
import { type Instant, instantFromMs, parseTimestamp } from "../../tracker/instant.ts";

const secondMs = 1_000;
/** The units of lengths of time, in milliseconds. */
export const unitMs: ReadonlyMap<string, number> = new Map([
  ["s", secondMs],
  ["m", 60 * secondMs],
  ["h", 3_600 * secondMs],
  ["d", 86_400 * secondMs],
  ["w", 7 * 86_400 * secondMs],
]);

const agePattern = /^(\d{1,7})([smhdw])$/;
const dayPattern = /^(today|yesterday|\d{4}-\d{2}-\d{2})(?:[T ](.+))?$/;
const clockPattern = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?$/;

/**
 * Reads a moment. Without a zone it is of the local zone; a time that the clock skipped there is the one after the gap,
 * a time that it showed twice the first one.
 *
 * @param text - `2026-02-06T12:34:56Z`, `2026-02-06 12:34`, `2026-02-06`, `2h` (ago), `now`, `today`,
 *   `yesterday 14:00`, `14:00` (today)
 * @throws SessionBuddyError `usage` when the text has another form or names a moment that does not exist
 */
export function parseMoment(text: string, nowMs: number): Instant {
  const ms = text === "now" ? nowMs : (ageMs(text, nowMs) ?? localMs(text, nowMs));
  const instant = ms === null ? parseTimestamp(text.replace(" ", "T")) : instantOf(ms);
  if (instant !== null) return instant;
  throw new SessionBuddyError(
    "usage",
    `'${text}' is not a time; write 2026-02-06T12:34:56Z, 2026-02-06 12:34, 2h, 30m, 3d, today, yesterday 14:00 or 14:00`,
  );
}

/**
 * Reads a length of time.
 *
 * @param text - a whole number and `s`, `m`, `h`, `d` or `w`
 * @returns milliseconds
 * @throws SessionBuddyError `usage` when the text has another form
 */
export function parseAgeMs(text: string): number {
  const [, count, unit = ""] = agePattern.exec(text) ?? [];
  const one = unitMs.get(unit);
  if (one !== undefined) return Number(count) * one;
  throw new SessionBuddyError("usage", `'${text}' is not a length of time; write 400d, 12w, 36h, 90m or 30s`);
}

/** @returns a length in its two largest units, such as `3d 4h`, `1h 5m`, `12s` or `850ms` */
export function formatLength(ms: number): string {
  if (ms < secondMs) return `${ms}ms`;
  const shown = ["d", "h", "m", "s"];
  let rest = ms;
  const parts = shown.map((unit) => {
    const one = unitMs.get(unit) ?? secondMs;
    const count = Math.floor(rest / one);
    rest -= count * one;
    return { count, text: `${count}${unit}` };
  });
  const first = parts.findIndex(({ count }) => count > 0);
  const used = parts.slice(first, first + 2).filter(({ count }) => count > 0);
  return used.map(({ text }) => text).join(" ");
}

function ageMs(text: string, nowMs: number): number | null {
  return agePattern.test(text) ? nowMs - parseAgeMs(text) : null;
}

/** @returns null when the text is not a day and time of the local zone */
function localMs(text: string, nowMs: number): number | null {
  if (clockPattern.test(text)) return localMs(`today ${text}`, nowMs);
  const [, day = "", clock = "00:00"] = dayPattern.exec(text) ?? [];
  const [, hour, minute, second = "0", fraction = "0"] = clockPattern.exec(clock) ?? [];
  const date = day === "" ? null : dateOf(day, nowMs);
  if (date === null || hour === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    return null;
  date.setHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, "0")));
  return date.getTime();
}

function dateOf(day: string, nowMs: number): Date | null {
  const date = new Date(nowMs);
  if (day === "today") return date;
  if (day === "yesterday") {
    date.setDate(date.getDate() - 1);
    return date;
  }
  const [year = 0, month = 0, dayOfMonth = 0] = day.split("-").map(Number);
  date.setHours(12);
  date.setFullYear(year, month - 1, dayOfMonth);
  // 30 February rolls over into March.
  return year > 0 && date.getMonth() === month - 1 && date.getDate() === dayOfMonth ? date : null;
}

/** Years 1 to 9999 alone have an instant. */
function instantOf(ms: number): Instant | null {
  const year = new Date(ms).getUTCFullYear();
  return year >= 1 && year <= 9999 ? instantFromMs(ms) : null;
}
