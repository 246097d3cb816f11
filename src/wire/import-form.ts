/**
 * Owns the form in which sessions of another record are sent: a version, and each session as its events are answered. What
 * is not known is refused, because it would be lost. Part of the pure core.
 */
import type { JsonObject } from "../tracker/canonical.ts";
import { type Circumstances, noCircumstances, type ToldCircumstances, toldBy } from "../tracker/circumstances.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import {
  type BootClock,
  type DeathContent,
  type EndContent,
  type FirstSource,
  firstSourceKinds,
  type ImportSource,
  type Observation,
  type ProcessIdentity,
  type SessionEvent,
} from "../tracker/event.ts";
import type { ForeignClosing, ForeignSession, ForeignStart } from "../tracker/import.ts";
import { hostTextRules, largestExitCode, maxClaim, maxMetadataBytes, maxPid, maxSessionId } from "../tracker/limits.ts";
import { metadataIssue } from "../tracker/start-rules.ts";
import { Fields } from "./fields.ts";
import { parseStart } from "./parse-event.ts";
import { keysOfCircumstances, toEventRow } from "./view.ts";

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
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function parseEvent(row: unknown, uid: number): ForeignStart | ForeignClosing {
  const fields = new Fields(row);
  const eventId = fields.matching("event_id", (text) => (uuidPattern.test(text) ? null : "event_id: it is not a UUID"));
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

function startContent(details: object, eventId: string): ForeignStart["content"] {
  return parseStart({ ...details, event_version: "1.0", event_id: eventId }, hostTextRules).content;
}

function endContent(details: object): EndContent {
  const fields = new Fields(details);
  const content = {
    timestamp: fields.timestamp("timestamp", notATime),
    reason: textOrNull(fields, "reason", maxMetadataBytes),
    exitCode: fields.isGiven("exit_code") ? fields.integer("exit_code", 0, largestExitCode) : null,
    signal: textOrNull(fields, "signal", maxMetadataBytes),
    metadata: fields.optionalObject("metadata", metadataIssue) as JsonObject | null,
  };
  fields.refuseOthers(new Set(["timestamp", "reason", "exit_code", "signal", "metadata"]));
  fields.throwIssues();
  return content;
}

function deathContent(details: object): DeathContent {
  const fields = new Fields(details);
  const proof = fields.choice("proof", ["pid_gone", "pid_reused", "executable_replaced", "rebooted"]);
  const lastAliveAt = fields.timestamp("last_alive_at", notATime);
  const detectedAt = fields.timestamp("detected_at", notATime);
  fields.refuseOthers(new Set(["proof", "last_alive_at", "detected_at"]));
  fields.throwIssues();
  return { lastAliveAt, detectedAt, proof: proof as DeathContent["proof"] };
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

function readProcess(event: Fields): ProcessIdentity | null {
  if (!event.isGiven("process")) return null;
  const fields = event.object("process");
  const names = ["host_id", "boot_id", "pid_namespace", "start_ticks", "exe_id", "comm"] as const;
  const [hostId, bootId, pidNamespace, startTicks, exeId, comm] = names.map((name) =>
    textOrNull(fields, name, maxClaim),
  ) as (string | null)[] & { length: 6 };
  const pid = fields.integer("pid", 0, maxPid);
  const executable = textOrNull(fields, "executable", hostTextRules.maxCwd);
  fields.refuseOthers(new Set([...names, "pid", "executable"]));
  return {
    hostId: hostId ?? null,
    bootId: bootId ?? null,
    pidNamespace: pidNamespace ?? null,
    pid,
    startTicks: startTicks ?? null,
    executable,
    exeId: exeId ?? null,
    comm: comm ?? null,
  };
}

function readBootClock(event: Fields): BootClock | null {
  if (!event.isGiven("boot_clock")) return null;
  const fields = event.object("boot_clock");
  const clock = { bootId: fields.text("boot_id", maxClaim), ms: fields.integer("ms", 0, Number.MAX_SAFE_INTEGER) };
  fields.refuseOthers(new Set(["boot_id", "ms"]));
  return clock;
}

const numbers: readonly (keyof Circumstances)[] = ["uid", "loginUid", "auditSession"];

function readCircumstances(event: Fields): ToldCircumstances | null {
  if (!event.isGiven("circumstances")) return null;
  const fields = event.object("circumstances");
  const names = Object.keys(noCircumstances) as (keyof Circumstances)[];
  const known = names.map((name) => {
    const key = keysOfCircumstances[name];
    return [name, numbers.includes(name) ? numberOrNull(fields, key) : textOrNull(fields, key, maxClaim)];
  });
  fields.refuseOthers(new Set(Object.values(keysOfCircumstances)));
  return toldBy({ import: Object.fromEntries(known) });
}

function textOrNull(fields: Fields, name: string, maxLength: number): string | null {
  return fields.isGiven(name) ? fields.text(name, maxLength) : null;
}

function numberOrNull(fields: Fields, name: string): number | null {
  return fields.isGiven(name) ? fields.integer(name, 0, 4_294_967_295) : null;
}

function notATime(text: string): string {
  return `Invalid ISO 8601 timestamp: ${text.slice(0, maxClaim)}`;
}

function invalid(words: string): SessionBuddyError {
  return new SessionBuddyError("invalid", words);
}
