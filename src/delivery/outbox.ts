/** Owns reading the log as it is delivered: the next piece of what this record has seen itself, within the limits of a batch. */
import { canonicalJson } from "../tracker/canonical.ts";
import type { LostEvents } from "../tracker/outbox.ts";
import type { EventLog, LoggedEvent, SessionIndex } from "../tracker/store.ts";
import { largestInflatedBytes, mostEventsSent, toSentEvent } from "../wire/batch.ts";

/** What is read of a record. */
export type SentLog = Pick<EventLog, "events" | "lastSeq"> & Pick<SessionIndex, "session">;

/** Everything that the log still has behind one position, up to another. */
export interface Piece {
  readonly after: number;
  readonly upto: number;
  /** The newest position. */
  readonly last: number;
  readonly events: readonly PieceEvent[];
}

export interface PieceEvent {
  readonly seq: number;
  readonly eventId: string;
  /** As it is sent. */
  readonly json: string;
}

/** A piece with what is told beside it. */
export interface SentPiece extends Piece {
  readonly stream: string;
  readonly lost: readonly LostEvents[];
}

/** Left for what stands around the events. */
const roomForHead = 64 * 1024;
/** Read in one piece of events that are not sent, before what there is of it is sent. */
const mostPages = 20;

export interface PieceLimits {
  /** 1 to 500. */
  readonly mostEvents: number;
  /** Ids of events that are not sent, because they were found to be too large. */
  readonly skipped: ReadonlySet<string>;
}

/** Reads the next piece. */
export async function readPiece(log: SentLog, after: number, { mostEvents, skipped }: PieceLimits): Promise<Piece> {
  const events: PieceEvent[] = [];
  const starts = new Map<string, string>();
  let bytes = 0;
  let upto = after;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const page = await log.events(upto, Math.min(mostEvents, mostEventsSent));
    for (const logged of page) {
      const event = await sentEvent(log, logged, starts, skipped);
      const length = event === null ? 0 : Buffer.byteLength(event.json) + 1;
      const isFull = events.length >= mostEvents || bytes + length > largestInflatedBytes - roomForHead;
      // One that is too large by itself goes alone, to be refused.
      if (event !== null && isFull && events.length > 0) return pieceOf(log, after, upto, events);
      if (event !== null) events.push(event);
      bytes += length;
      upto = logged.seq;
    }
    if (page.length === 0 || events.length >= mostEvents) break;
  }
  return pieceOf(log, after, upto, events);
}

/** A log whose newest events were removed is as long as it was. */
async function pieceOf(log: SentLog, after: number, upto: number, events: readonly PieceEvent[]): Promise<Piece> {
  return { after, upto, last: Math.max(upto, await log.lastSeq()), events };
}

/** @returns null for what another record has delivered here, and for what was removed meanwhile */
async function sentEvent(
  log: SentLog,
  logged: LoggedEvent,
  starts: Map<string, string>,
  skipped: ReadonlySet<string>,
): Promise<PieceEvent | null> {
  const { seq, event } = logged;
  const { sessionId, eventId } = event;
  if (event.observed.origin !== undefined || skipped.has(eventId)) return null;
  if (event.kind === "start") starts.set(sessionId, eventId);
  const startId = starts.get(sessionId) ?? (await log.session(sessionId))?.startEventId;
  if (startId === undefined) return null;
  starts.set(sessionId, startId);
  const sent = toSentEvent(logged, event.kind === "start" ? null : startId);
  return { seq, eventId, json: canonicalJson(sent) };
}
