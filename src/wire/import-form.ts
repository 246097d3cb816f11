/**
 * Owns the form in which sessions of another record are sent: a version, and each session as its events are answered. What
 * is not known is refused, because it would be lost. Part of the pure core.
 */
import type { JsonObject } from "../tracker/canonical.ts";
import { type ToldCircumstances, toldBy } from "../tracker/circumstances.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import {
  type FirstSource,
  firstSourceKinds,
  type ImportSource,
  type Observation,
  type SessionEvent,
} from "../tracker/event.ts";
import type { ForeignClosing, ForeignSession, ForeignStart } from "../tracker/import.ts";
import { maxMetadataBytes, maxSessionId } from "../tracker/limits.ts";
import {
  circumstanceKeys,
  deathContent,
  endContent,
  notATime,
  numberOrNull,
  readBootClock,
  readKnown,
  readProcess,
  startContent,
  textOrNull,
  uuidIssue,
} from "./event-form.ts";
import { Fields } from "./fields.ts";
import { toEventRow } from "./view.ts";

/** Another form has another number. */
export const importFormat = 1;
/** In one request. */
export const mostSessionsSent = 50;
/** A session has a start, an end, and a few proofs of death at the most. */
const mostEvents = 100;

/** One request: sessions as they were sent, each to be read by itself. */
export interface ImportRequest {
  readonly isDryRun: boolean;
  readonly sessions: readonly unknown[];
}

/** @returns one session as it is sent */
export function toSentSession(events: readonly SessionEvent[]): JsonObject {
  const rows = events.map((event) => {
    const { seq, circumstances, ...row } = toEventRow({ seq: 0, event });
    const told = Object.fromEntries(circumstances.map(({ name, value }) => [name, value]));
    return { ...row, circumstances: told };
  });
  return { session_id: events[0]?.sessionId ?? "", events: rows as unknown as JsonObject[] };
}

/** @throws SessionBuddyError `invalid` when it is no such request */
export function parseImport(input: unknown): ImportRequest {
  const fields = new Fields(input);
  const format = fields.integer("format", 0, Number.MAX_SAFE_INTEGER);
  fields.throwIssues();
  // Said first: a later form has what is not known here.
  if (format !== importFormat)
    throw new SessionBuddyError(
      "invalid",
      `format: this record takes format ${importFormat}, not ${format}; use a session-buddy of its version`,
    );
  const isDryRun = fields.truth("dry_run");
  const sessions = fields.list("sessions", mostSessionsSent);
  fields.refuseOthers(new Set(["format", "dry_run", "sessions"]));
  fields.throwIssues();
  return { isDryRun, sessions };
}

/**
 * @param uid - of the user of this machine who sends it
 * @throws SessionBuddyError `invalid` with what is wrong
 */
export function parseForeignSession(input: unknown, uid: number): ForeignSession {
  const fields = new Fields(input);
  const sessionId = fields.text("session_id", maxSessionId);
  const rows = fields.list("events", mostEvents);
  fields.refuseOthers(new Set(["session_id", "events"]));
  fields.throwIssues();
  const events = rows.map((row) => parseEvent(row, uid));
  const [start, ...others] = events.filter((event) => event.kind === "start");
  if (start === undefined || others.length > 0) throw invalid("events: a session has one start");
  const closings = events.filter((event) => event.kind !== "start");
  if (new Set(events.map(({ eventId }) => eventId)).size < events.length)
    throw invalid("events: each has an id of its own");
  return { sessionId, start, closings };
}

const eventKeys = new Set([
  "event_id",
  "kind",
  "recorded_at",
  "source",
  "caller",
  "process",
  "boot_clock",
  "circumstances",
  "details",
]);

function parseEvent(row: unknown, uid: number): ForeignStart | ForeignClosing {
  const fields = new Fields(row);
  const eventId = fields.matching("event_id", uuidIssue("event_id"));
  const kind = fields.choice("kind", ["start", "end", "death"]);
  const observed = readObservation(fields, uid);
  fields.object("details");
  fields.refuseOthers(eventKeys);
  fields.throwIssues();
  const details = (row as { readonly details: object }).details;
  if (kind === "start") return { kind, eventId, observed, content: startContent(details, eventId) };
  if (kind === "end") return { kind, eventId, observed, content: endContent(details) };
  return { kind: "death", eventId, observed, content: deathContent(details) };
}

function readObservation(fields: Fields, uid: number): Observation {
  const originallyAt = fields.timestamp("recorded_at", notATime);
  const source: ImportSource = {
    kind: "import",
    uid,
    original: readSource(fields),
    originalCaller: textOrNull(fields, "caller", maxMetadataBytes),
    originallyAt,
  };
  return {
    recordedAt: originallyAt,
    source,
    caller: null,
    process: readProcess(fields),
    bootClock: readBootClock(fields),
    circumstances: readCircumstances(fields),
  };
}

function readSource(event: Fields): FirstSource | null {
  if (!event.isGiven("source")) return null;
  const fields = event.object("source");
  const kind = fields.choice("kind", firstSourceKinds);
  const uid = numberOrNull(fields, "uid");
  const pid = numberOrNull(fields, "pid");
  fields.optionalObject("original", () => "What was imported there is not imported again");
  fields.refuseOthers(new Set(["kind", "uid", "pid", "original"]));
  if (kind !== "command") return { kind: kind ?? "client" };
  return { kind, uid, pid: pid ?? 0 };
}

function readCircumstances(event: Fields): ToldCircumstances | null {
  if (!event.isGiven("circumstances")) return null;
  const fields = event.object("circumstances");
  const known = readKnown(fields);
  fields.refuseOthers(circumstanceKeys);
  return toldBy({ import: known });
}

function invalid(words: string): SessionBuddyError {
  return new SessionBuddyError("invalid", words);
}
