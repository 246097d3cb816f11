/** Owns points in time: the contract's timestamps and their stored form. Part of the pure core. */

/**
 * A point in time in UTC, always 30 characters: `2026-02-06T12:34:56.789012000Z`.
 * The fixed width makes text order equal time order in every store, and nine digits keep what clients sent.
 */
export type Instant = string & { readonly __brand: "Instant" };

const timestampPattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const msPerMinute = 60_000;
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * Reads a timestamp of the wire contract, section 3 (a profile of RFC 3339 without leap seconds).
 *
 * @param text - `YYYY-MM-DDTHH:MM:SS`, a fraction of 1 to 9 digits if any, then `Z` or `±HH:MM`
 * @returns the instant, or null when the text has another form or names a date or time that does not exist
 */
export function parseTimestamp(text: string): Instant | null {
  const match = timestampPattern.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHours = "0", offsetMinutes = "0"] = match;
  // RFC 3339 has a year 0, the calendar of most clients has none.
  if (year === "0000" || Number(hour) > 23 || Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return null;

  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const localMs = Date.parse(`${local}Z`);
  // Date rolls 30 February over into March; a date that exists prints as it was read.
  if (Number.isNaN(localMs) || new Date(localMs).toISOString().slice(0, 19) !== local) return null;

  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * msPerMinute * (sign === "-" ? -1 : 1);
  const utcMs = localMs - offsetMs;
  if (utcMs < earliestMs || utcMs > latestMs) return null;
  return `${new Date(utcMs).toISOString().slice(0, 19)}.${fraction.padEnd(9, "0")}Z` as Instant;
}

/** @param epochMs - milliseconds since 1970-01-01T00:00:00Z, possibly with a fraction; years 1 to 9999 */
export function instantFromMs(epochMs: number): Instant {
  const wholeMs = Math.floor(epochMs);
  const nanos = Math.round((epochMs - wholeMs) * 1e6);
  const text = new Date(wholeMs).toISOString();
  return `${text.slice(0, 23)}${String(Math.min(nanos, 999_999)).padStart(6, "0")}Z` as Instant;
}

/**
 * Reads seconds since 1970-01-01T00:00:00Z with up to 9 digits of fraction, exactly.
 *
 * @param text - for example `1770381296.789012`; a comma stands for the point where bash's locale says so
 * @returns null when the text has another form or is later than the year 9999
 */
export function instantFromSeconds(text: string): Instant | null {
  const match = /^(\d{1,12})(?:[.,](\d{1,9}))?$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * 1000;
  if (ms > latestMs) return null;
  return `${new Date(ms).toISOString().slice(0, 19)}.${(match[2] ?? "").padEnd(9, "0")}Z` as Instant;
}

/** @returns milliseconds since 1970-01-01T00:00:00Z, rounded down. */
export function instantToMs(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 23)}Z`);
}

/** @returns the RFC 3339 form for people and programs, with 0, 3, 6 or 9 digits of fraction. */
export function formatInstant(instant: Instant): string {
  const fraction = instant.slice(20, 29).replace(/(?:000)+$/, "");
  return `${instant.slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}Z`;
}
