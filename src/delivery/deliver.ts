/**
 * Owns delivery to one other record: piece by piece from where it has got, each answer kept before the next piece is sent.
 *
 * This record's own position says what is sent, the id of an event says over there what is new, and what the other record
 * acknowledges only ever takes the position back. So nothing is lost where either side is restored from a backup, and
 * whatever is sent twice is known the second time.
 */
import type { Addressee, Delivery, DeliveryChange, Outbox } from "../tracker/outbox.ts";
import type { SessionIndex } from "../tracker/store.ts";
import { mostLossesSent } from "../wire/batch.ts";
import { type AnswerSource, after, newProgress, type Progress, tooLargeOnes } from "./after-answer.ts";
import { leftToWaitMs } from "./backoff.ts";
import type { Central, Sender } from "./central.ts";
import { readPiece, type SentLog, type SentPiece } from "./outbox.ts";

export interface DeliverySource extends AnswerSource {
  readonly store: SentLog & Outbox & Pick<SessionIndex, "sessions">;
  readonly sender: () => Sender;
  /** Makes the id of a lease, by which others see whether its holder is gone. */
  readonly newLeaseId: () => string;
  /** Whether whoever has a lease is known to be gone. */
  readonly isGone: (leaseId: string) => boolean;
}

/** How one turn may go on. */
export interface TurnOptions {
  /** For the whole turn, in milliseconds. */
  readonly mostMs: number;
  /** Whether it is tried though the wait after a failure is not over. */
  readonly isForced: boolean;
  readonly signal: AbortSignal;
}

/** How a turn ended. */
export interface Turn {
  /**
   * `done`: everything is delivered; `stopped`: there was no more time; `waiting`: the wait after a failure is not over;
   * `busy`: another process delivers; `failed`, and `refused` where that will not change by itself: the place has the sentence.
   */
  readonly outcome: "done" | "stopped" | "waiting" | "busy" | "failed" | "refused";
  readonly stored: number;
  readonly known: number;
  readonly refused: number;
}

/** A heartbeat says that this record is there, as long as sessions are open. */
const heartbeatMs = 60_000;
/** Without open sessions it is for a record over there that was restored from a backup: what it lacks is sent again. */
const idleHeartbeatMs = 3_600_000;
/** A lease outlasts one exchange. */
const exchangeMs = 30_000;
const marginMs = 5_000;

/** Delivers to one record until there is no more, or no more time. */
export async function deliverTo(
  central: Central,
  addressee: Addressee,
  source: DeliverySource,
  options: TurnOptions,
): Promise<Turn> {
  const { store, now, newUuid } = source;
  const progress = newProgress();
  const turn = (outcome: Turn["outcome"]): Turn => {
    const { stored, known, refused } = progress;
    return { outcome, stored, known, refused };
  };
  const before = (await store.deliveries()).find(({ name }) => name === addressee.name);
  if (before !== undefined && isSame(before, addressee)) {
    if (!options.isForced && leftToWaitMs(before, now()) > 0) return turn("waiting");
    if ((await nextPiece(before, source, progress)) === null) return turn("done");
  }
  const untilMs = now() + options.mostMs;
  const leaseId = source.newLeaseId();
  const leaseUntil = () => now() + Math.min(exchangeMs, options.mostMs) + marginMs;
  const settle = (change: Omit<DeliveryChange, "nowMs" | "leaseUntilMs">, isLast = false) =>
    store.settleDelivery(addressee.name, leaseId, {
      ...change,
      nowMs: now(),
      leaseUntilMs: isLast ? null : leaseUntil(),
    });
  const holder = before?.leasedBy ?? null;
  const abandoned = holder !== null && source.isGone(holder) ? holder : null;
  const lease = { id: leaseId, abandoned, nowMs: now(), untilMs: leaseUntil() };
  let place = await store.leaseDelivery(addressee, newUuid(), lease);
  progress.skipped = await tooLargeOnes(store, addressee);
  while (place !== null) {
    // As somebody else left it meanwhile.
    if (!options.isForced && leftToWaitMs(place, now()) > 0) return settle({}, true).then(() => turn("waiting"));
    const leftMs = untilMs - now();
    if (leftMs <= 0 || options.signal.aborted) return settle({}, true).then(() => turn("stopped"));
    const piece = await nextPiece(place, source, progress);
    if (piece === null) return settle({}, true).then(() => turn("done"));
    const verdict = await central.exchange(piece, source.sender(), {
      nowMs: now(),
      clockOffsetMs: place.clockOffsetMs,
      deadlineMs: Math.min(exchangeMs, Math.max(1, Math.ceil(leftMs))),
      signal: options.signal,
    });
    // Given up by us: it says nothing about the other side, and what it took is known the next time.
    if (options.signal.aborted && verdict.kind === "busy") return settle({}, true).then(() => turn("stopped"));
    const change = after(verdict, piece, place, progress, source);
    const isFailure = change.nextAtMs !== undefined && change.nextAtMs !== null;
    place = await settle(change, isFailure);
    if (isFailure) return turn(verdict.kind === "refused" || verdict.kind === "clock" ? "refused" : "failed");
  }
  return turn("busy");
}

function isSame(place: Delivery, { url, origin }: Addressee): boolean {
  return place.url === url && place.origin === origin;
}

/** @returns what is to be sent now; null for nothing */
async function nextPiece(place: Delivery, { store, now }: DeliverySource, limits: Progress): Promise<SentPiece | null> {
  const piece = await readPiece(store, place.sent, limits);
  const lost = await store.untoldLosses(place.name, mostLossesSent);
  const isNews = piece.upto > piece.after || lost.length > 0;
  if (isNews || (await isHeartbeatDue(place, store, now()))) return { ...piece, stream: place.stream, lost };
  return null;
}

/** The first contact is one, so that the other record knows whom it has enrolled. */
async function isHeartbeatDue(
  { lastOkAtMs }: Delivery,
  store: Pick<SessionIndex, "sessions">,
  nowMs: number,
): Promise<boolean> {
  if (lastOkAtMs === null) return true;
  const sinceMs = nowMs - lastOkAtMs;
  if (sinceMs < 0 || sinceMs >= idleHeartbeatMs) return true;
  if (sinceMs < heartbeatMs) return false;
  return (await store.sessions({ states: ["active"], limit: 100 })).some(({ origin }) => origin === null);
}
