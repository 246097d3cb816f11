/** Owns what an answer of another record changes here: how far delivery has got, when it goes on, and what one turn remembers. */
import type { Addressee, Delivery, DeliveryChange, Outbox } from "../tracker/outbox.ts";
import { mostEventsSent } from "../wire/batch.ts";
import type { BatchVerdict } from "../wire/batch-answer.ts";
import { backoffMs, longestWaitMs, refusedWaitMs } from "./backoff.ts";
import type { SentPiece } from "./outbox.ts";

/** What the answers are held against. */
export interface AnswerSource {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly chance: () => number;
  readonly newUuid: () => string;
}

/** What pulls the position back so often in one turn does not know what it wants. */
const mostPullBacks = 4;

/** What one turn remembers from piece to piece. */
export interface Progress {
  mostEvents: number;
  pullBacks: number;
  isClockTried: boolean;
  skipped: ReadonlySet<string>;
  stored: number;
  known: number;
  refused: number;
}

export function newProgress(): Progress {
  return {
    ...{ mostEvents: mostEventsSent, pullBacks: 0, isClockTried: false, skipped: new Set() },
    ...{ stored: 0, known: 0, refused: 0 },
  };
}

export type Change = Omit<DeliveryChange, "nowMs" | "leaseUntilMs">;

/** @returns what an answer changes; with a time for the next try where this was the last one of the turn */
export function after(
  verdict: BatchVerdict,
  piece: SentPiece,
  place: Delivery,
  progress: Progress,
  source: AnswerSource,
): Change {
  const { now, newUuid } = source;
  switch (verdict.kind) {
    case "taken":
      return taken(verdict, piece, place, progress, source);
    case "gap":
      return pulledBack(verdict.acked, {}, place, progress, source);
    case "new_stream":
      // From the oldest event that is kept.
      return pulledBack(0, { stream: newUuid(), acked: 0 }, place, progress, source);
    case "too_large":
      return halved(piece, place, progress, source);
    case "clock":
      return clockSet(verdict.serverTimeMs, place, progress, source);
    case "refused":
      return failed(verdict.error, place, now(), refusedWaitMs);
    case "busy": {
      const waitMs = verdict.retryAfterMs ?? backoffMs(place.tries + 1, source.chance());
      return failed(verdict.error, place, now(), waitMs);
    }
  }
}

function taken(
  verdict: Extract<BatchVerdict, { kind: "taken" }>,
  piece: SentPiece,
  place: Delivery,
  progress: Progress,
  source: AnswerSource,
): Change {
  const { acked, refused } = verdict;
  progress.stored += verdict.stored;
  progress.known += verdict.known;
  progress.refused += refused.length;
  progress.mostEvents = Math.min(mostEventsSent, progress.mostEvents * 2);
  const told = { toldLosses: piece.lost.map(({ from }) => from), refused };
  if (acked < piece.upto) return pulledBack(acked, { ...told, acked }, place, progress, source);
  return { ...told, ...wentWell(source.now()), sent: piece.upto, acked: piece.upto };
}

function wentWell(nowMs: number): Change {
  return { tries: 0, triedAtMs: nowMs, nextAtMs: null, lastOkAtMs: nowMs, lastError: null };
}

/** The other record may have been restored from a backup; what it says again and again is a fault of it. */
function pulledBack(
  acked: number,
  change: Change,
  place: Delivery,
  progress: Progress,
  { now, chance }: AnswerSource,
): Change {
  progress.pullBacks += 1;
  const sent = { ...change, acked, sent: Math.min(acked, place.sent) };
  if (progress.pullBacks <= mostPullBacks) return sent;
  const words = "it says again and again that it does not have what it has taken";
  return { ...sent, ...failed(words, place, now(), backoffMs(place.tries + 1, chance())) };
}

/** The largest batch that it takes is found by halves; what is too large alone is left. */
function halved(piece: SentPiece, place: Delivery, progress: Progress, { now }: AnswerSource): Change {
  const [only, ...others] = piece.events;
  if (only === undefined) return failed("it takes no batch, however small (413)", place, now(), refusedWaitMs);
  if (others.length > 0) {
    progress.mostEvents = Math.max(1, Math.floor(piece.events.length / 2));
    return {};
  }
  progress.refused += 1;
  const { seq, eventId } = only;
  progress.skipped = new Set([...progress.skipped, eventId]);
  return { refused: [{ seq, eventId, code: tooLarge, error: "it is too large to be sent" }] };
}

const tooLarge = "too_large";
/** Far more than there ever are. */
const mostTooLarge = 10_000;

export async function tooLargeOnes(store: Outbox, { name }: Addressee): Promise<ReadonlySet<string>> {
  const refused = await store.refusedEvents(name, mostTooLarge);
  return new Set(refused.filter(({ code }) => code === tooLarge).map(({ eventId }) => eventId));
}

/** A clock that is hours off must not keep events back: the token is made by the other's clock, once. */
function clockSet(serverTimeMs: number | null, place: Delivery, progress: Progress, { now }: AnswerSource): Change {
  if (serverTimeMs === null || progress.isClockTried) {
    const words = "it finds the time in the token of this machine wrong; set the clock of this machine, or its own";
    return failed(words, place, now(), refusedWaitMs);
  }
  progress.isClockTried = true;
  return { clockOffsetMs: serverTimeMs - now() };
}

function failed(error: string, { tries }: Delivery, nowMs: number, waitMs: number): Change {
  const nextAtMs = nowMs + Math.max(1, Math.min(waitMs, longestWaitMs));
  return { tries: tries + 1, triedAtMs: nowMs, nextAtMs, lastError: error };
}
