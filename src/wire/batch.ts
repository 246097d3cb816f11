/**
 * Owns the form in which a host delivers what it has recorded, event by event, and in which the centre answers. What is
 * wrong with one event refuses that one alone. Pure core.
 *
 * Longer than 250 lines because what reads the form and what writes it must be seen side by side.
 */
import { isObject, type JsonObject } from "../tracker/canonical.ts";
import { circumstanceSources, type ToldCircumstances, toldBy } from "../tracker/circumstances.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import {
  type BootClock,
  type EventSource,
  type FirstSource,
  firstSourceKinds,
  type Observation,
  type SessionEvent,
  type ShellOwner,
  sourceKinds,
} from "../tracker/event.ts";
import type { Instant } from "../tracker/instant.ts";
import { isText, maxClaim, maxMetadataBytes, maxSessionId } from "../tracker/limits.ts";
import type { LoggedEvent } from "../tracker/store.ts";
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
import { keysOfCircumstances, toEventRow } from "./view.ts";

/** Another form has another number. */
export const batchFormat = 1;
/** In one batch. */
export const mostEventsSent = 500;
/** Of a body as it is sent, and of what it inflates to. */
export const largestSentBytes = 1024 * 1024;
export const largestInflatedBytes = 4 * 1024 * 1024;
/** Losses are told once each; whoever has more tells them in the next batch. */
export const mostLossesSent = 100;

/** Why an event is not taken; it is kept aside, and keeps none back. */
export const refusalCodes = ["unknown_kind", "invalid", "not_yours", "event_id_taken", "no_start"] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** Events that a host had to give up before they were delivered. */
export interface LossRecord {
  /** Positions of its log, both included. */
  readonly from: number;
  readonly to: number;
  readonly events: number;
  /** In one word: `disk_cap`, `age`. */
  readonly why: string;
}

/** One event as it was sent, and what is known of it where it cannot be read. */
export interface SentEvent {
  readonly seq: number;
  /** Null where it is none. */
  readonly eventId: string | null;
  /** As it was sent, to be kept aside. */
  readonly sent: object;
  readonly read: DeliveredEvent | { readonly code: RefusalCode; readonly error: string };
}

type Delivered<Event extends SessionEvent> = Pick<Event, "kind" | "eventId" | "content" | "observed"> & {
  /** The session's id at the host. */
  readonly localSessionId: string;
};
/** An event that keeps every rule. The event of the session's start names the session; a start names itself. */
export type DeliveredEvent = (
  | Delivered<Extract<SessionEvent, { kind: "start" }>>
  | Delivered<Extract<SessionEvent, { kind: "end" }>>
  | Delivered<Extract<SessionEvent, { kind: "death" }>>
) & { readonly startEventId: string };

/** Everything that a host still has of its log behind `after`, up to `upto`. */
export interface Batch {
  /** Names the log. */
  readonly stream: string;
  readonly after: number;
  readonly upto: number;
  /** The newest position there. */
  readonly last: number;
  readonly sentAt: Instant;
  readonly boot: BootClock | null;
  /** The version of the program that sends. */
  readonly program: string | null;
  readonly lost: readonly LossRecord[];
  readonly events: readonly SentEvent[];
}

/** What the centre says of a batch that it has taken. */
export interface BatchAnswer {
  readonly stream: string;
  /** Everything up to this position is on record or kept aside. */
  readonly acked: number;
  readonly stored: number;
  readonly known: number;
  readonly refused: readonly {
    readonly seq: number;
    readonly event_id: string | null;
    readonly code: RefusalCode;
    readonly error: string;
  }[];
  readonly server_time: string;
  /** By how much the host's clock is ahead. */
  readonly skew_ms: number;
}

/**
 * @param startEventId - of the session's start; null for a start
 * @returns an event as it is sent
 */
export function toSentEvent({ seq, event }: LoggedEvent, startEventId: string | null): JsonObject {
  const { event_id, kind, recorded_at, source, caller, process, boot_clock, details } = toEventRow({ seq, event });
  const { circumstances, owner } = event.observed;
  const observed = {
    recorded_at,
    source,
    caller,
    process,
    boot_clock,
    circumstances: toSentCircumstances(circumstances),
    owner: owner === undefined ? null : { uid: owner.uid, verified: owner.isVerified },
  };
  const named = startEventId === null ? {} : { start_event_id: startEventId };
  const sent = { seq, event_id, kind, ...named, session_id: event.sessionId, content: details, observed };
  return sent as unknown as JsonObject;
}

function toSentCircumstances(told: ToldCircumstances | null): object | null {
  if (told === null) return null;
  const sent = Object.entries(told).map(([source, known]) => {
    const named = Object.entries(known).map(([name, value]) => [
      keysOfCircumstances[name as keyof typeof keysOfCircumstances],
      value,
    ]);
    return [source, Object.fromEntries(named)];
  });
  return Object.fromEntries(sent);
}

/**
 * Reads a batch. What stands around the events and is not known is left out: a newer host may have more to say.
 *
 * @throws SessionBuddyError `invalid` when it is none
 */
export function parseBatch(input: unknown): Batch {
  const fields = new Fields(input);
  const format = fields.integer("format", 0, Number.MAX_SAFE_INTEGER);
  fields.throwIssues();
  // Said first: a later form may have anything behind it.
  if (format !== batchFormat)
    throw invalid(`format: this record takes format ${batchFormat}, not ${format}; update its session-buddy`);
  const stream = fields.matching("stream", uuidIssue("stream"));
  const [after, upto, last] = ["after", "upto", "last"].map((name) =>
    fields.integer(name, 0, Number.MAX_SAFE_INTEGER),
  ) as [number, number, number];
  const sentAt = fields.timestamp("sent_at", notATime);
  const boot = fields.isGiven("boot") ? readBoot(fields.object("boot")) : null;
  const program = textOrNull(fields, "program", maxClaim);
  fields.throwIssues();
  if (after > upto || upto > last) throw invalid("upto: it lies between after and last");
  const { lost = null, events } = input as { readonly lost?: unknown; readonly events?: unknown };
  return {
    ...{ stream, after, upto, last, sentAt, boot, program },
    lost: lost === null ? [] : listOf(lost, "lost", mostLossesSent).map((one) => parseLoss(one, last)),
    events: inOrder(listOf(events, "events", mostEventsSent).map(parseSentEvent), after, upto),
  };
}

function readBoot(boot: Fields): BootClock {
  return { bootId: boot.text("id", maxClaim), ms: boot.integer("ms", 0, Number.MAX_SAFE_INTEGER) };
}

function listOf(value: unknown, name: string, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value;
  throw invalid(`${name}: Input should be a list of at most ${most} items`);
}

function parseLoss(input: unknown, last: number): LossRecord {
  const fields = new Fields(input, "lost.");
  if (!isObject(input)) throw invalid("lost: Input should be a list of objects");
  const from = fields.integer("from", 0, last);
  const to = fields.integer("to", from, last);
  const events = fields.integer("events", 0, Number.MAX_SAFE_INTEGER);
  const why = fields.text("why", maxClaim);
  fields.throwIssues();
  return { from, to, events, why };
}

/** A batch whose positions are wrong is none: nothing could be acknowledged by them. */
function inOrder(events: readonly SentEvent[], after: number, upto: number): readonly SentEvent[] {
  let before = after;
  for (const { seq } of events) {
    if (seq <= before || seq > upto)
      throw invalid("events: each position is above the one before, after < seq <= upto");
    before = seq;
  }
  return events;
}

/** @throws SessionBuddyError `invalid` where there is no position */
export function parseSentEvent(sent: unknown): SentEvent {
  if (!isObject(sent)) throw invalid("events: Input should be a list of objects");
  const { seq, event_id: id } = sent;
  if (!Number.isSafeInteger(seq)) throw invalid("events: each has its position in seq, an integer");
  const eventId = typeof id === "string" && uuidIssue("event_id")(id) === null ? id : null;
  return { seq: seq as number, eventId, sent, read: readEvent(sent) };
}

const eventKeys = new Set(["seq", "event_id", "kind", "start_event_id", "session_id", "content", "observed"]);

function readEvent(sent: Readonly<Record<string, unknown>>): SentEvent["read"] {
  const { kind } = sent;
  if (kind !== "start" && kind !== "end" && kind !== "death") {
    const words = isText(kind) ? `'${kind.slice(0, maxClaim).toWellFormed()}'` : "this";
    return { code: "unknown_kind", error: `kind: ${words} is no kind of event that is known here` };
  }
  try {
    return parseEvent(sent, kind);
  } catch (error) {
    if (!(error instanceof SessionBuddyError)) throw error;
    return { code: "invalid", error: shortened(error.message) };
  }
}

const longestError = 500;

function shortened(sentence: string): string {
  return sentence.slice(0, longestError).toWellFormed();
}

function parseEvent(sent: object, kind: SessionEvent["kind"]): DeliveredEvent {
  const fields = new Fields(sent);
  const eventId = fields.matching("event_id", uuidIssue("event_id"));
  const localSessionId = fields.text("session_id", maxSessionId);
  const startEventId = kind === "start" ? eventId : fields.matching("start_event_id", uuidIssue("start_event_id"));
  const observed = readObservation(fields.object("observed"));
  fields.object("content");
  fields.refuseOthers(eventKeys);
  fields.throwIssues();
  const { content } = sent as { readonly content: object };
  const named = { eventId, localSessionId, startEventId, observed };
  if (kind === "start") return { ...named, kind, content: startContent(content, eventId) };
  if (kind === "end") return { ...named, kind, content: endContent(content) };
  return { ...named, kind, content: deathContent(content) };
}

const observedKeys = new Set(["recorded_at", "source", "caller", "process", "boot_clock", "circumstances", "owner"]);

function readObservation(fields: Fields): Observation {
  const observed = {
    recordedAt: fields.timestamp("recorded_at", notATime),
    source: readSource(fields),
    caller: textOrNull(fields, "caller", maxMetadataBytes),
    process: readProcess(fields),
    bootClock: readBootClock(fields),
    circumstances: readCircumstances(fields),
  };
  const owner = readOwner(fields);
  fields.refuseOthers(observedKeys);
  return owner === null ? observed : { ...observed, owner };
}

function readOwner(event: Fields): ShellOwner | null {
  if (!event.isGiven("owner")) return null;
  const fields = event.object("owner");
  const owner = { uid: numberOrNull(fields, "uid") ?? 0, isVerified: fields.truth("verified") };
  fields.refuseOthers(new Set(["uid", "verified"]));
  return owner;
}

function readSource(event: Fields): EventSource | null {
  if (!event.isGiven("source")) return null;
  const fields = event.object("source");
  const kind = fields.choice("kind", sourceKinds) ?? "client";
  const uid = numberOrNull(fields, "uid");
  const pid = numberOrNull(fields, "pid");
  const original = readOriginal(fields, kind);
  fields.refuseOthers(new Set(["kind", "uid", "pid", "original"]));
  return kind === "import" ? { kind, uid: uid ?? 0, ...original } : firstSource(kind, uid, pid);
}

function firstSource(kind: FirstSource["kind"], uid: number | null, pid: number | null): FirstSource {
  return kind === "command" ? { kind, uid, pid: pid ?? 0 } : { kind };
}

const noOriginal = { original: null, originalCaller: null, originallyAt: "" as Instant };

/** Of what the host imported: who said it there, and when. */
function readOriginal(source: Fields, kind: EventSource["kind"]) {
  if (kind !== "import") {
    source.optionalObject("original", () => "Only what was imported has one");
    return noOriginal;
  }
  const fields = source.object("original");
  const first = fields.isGiven("kind") ? fields.choice("kind", firstSourceKinds) : undefined;
  const uid = numberOrNull(fields, "uid");
  const pid = numberOrNull(fields, "pid");
  const originalCaller = textOrNull(fields, "caller", maxMetadataBytes);
  const originallyAt = fields.timestamp("recorded_at", notATime);
  fields.refuseOthers(new Set(["kind", "uid", "pid", "caller", "recorded_at"]));
  return { original: first === undefined ? null : firstSource(first, uid, pid), originalCaller, originallyAt };
}

function readCircumstances(event: Fields): ToldCircumstances | null {
  if (!event.isGiven("circumstances")) return null;
  const fields = event.object("circumstances");
  const told = circumstanceSources.map((source) => {
    if (!fields.isGiven(source)) return [source, {}];
    const known = fields.object(source);
    const read = readKnown(known);
    known.refuseOthers(circumstanceKeys);
    return [source, read];
  });
  fields.refuseOthers(new Set(circumstanceSources));
  return toldBy(Object.fromEntries(told));
}

function invalid(words: string): SessionBuddyError {
  return new SessionBuddyError("invalid", words);
}
