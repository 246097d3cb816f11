/** Owns what the centre does with a batch that a host delivers: all of it in one transaction, or nothing. */
import type { HostCaller } from "../auth/host-caller.ts";
import { formatInstant, type Instant, instantFromMs, instantToMs } from "../tracker/instant.ts";
import { ackedOf, heardFrom, type OriginState, type OriginsTransaction } from "../tracker/origins.ts";
import type { StoreTransaction } from "../tracker/store.ts";
import { type Batch, type BatchAnswer, parseBatch, type RefusalCode } from "../wire/batch.ts";
import type { App } from "./app.ts";
import { type Taken, takeEvents } from "./receive-events.ts";

/**
 * What becomes of a batch.
 *
 * - `taken`: it is on record, what was refused of it is kept aside
 * - `gap`: it begins behind what is on record here, as after the centre was restored from a backup: the host goes back
 * - `new_stream`: the host's log ends before what is on record here, as after it was restored: it begins another one
 */
export type Received =
  | { readonly outcome: "taken"; readonly answer: BatchAnswer }
  | { readonly outcome: "gap"; readonly acked: number }
  | { readonly outcome: "new_stream" };

export interface Receive {
  /**
   * @param args - the batch as it was sent
   * @throws SessionBuddyError `invalid` when it is none; `storage.*`
   */
  take(caller: HostCaller, args: unknown): Promise<Received>;
  /** @returns how far a log was taken; 0 for one that was never seen */
  position(caller: HostCaller, stream: string): Promise<number>;
}

/** Told of each batch that was taken. */
export type ReceiveListener = (caller: HostCaller, taken: Pick<Taken, "stored" | "known" | "refused">) => void;

/** A host tells each loss once; whoever tells more has a fault, or means harm. */
const mostLosses = 10_000;

/** @param nowMs - the clock, in milliseconds since the epoch */
export function createReceive(
  { store, log }: Pick<App, "store" | "log">,
  onTaken: ReceiveListener = () => {},
  nowMs: () => number = Date.now,
): Receive {
  return {
    async take(caller, args) {
      const batch = parseBatch(args);
      const now = instantFromMs(nowMs());
      const done = await store.transact((tx) => takeBatch(tx, batch, caller, now));
      if (done.outcome !== "taken") return done;
      const { taken, before, after } = done;
      onTaken(caller, taken);
      logTaken(log, caller, taken, before, after);
      return { outcome: "taken", answer: answerOf(batch, taken, after) };
    },
    async position({ originId }, stream) {
      return ackedOf(await store.origin(originId), stream);
    },
  };
}

type Done =
  | {
      readonly outcome: "taken";
      readonly taken: Taken;
      readonly before: OriginState | null;
      readonly after: OriginState;
    }
  | Exclude<Received, { outcome: "taken" }>;

async function takeBatch(tx: StoreTransaction, batch: Batch, caller: HostCaller, now: Instant): Promise<Done> {
  const origins = await tx.origins();
  const before = await origins.origin(caller.originId);
  const acked = ackedOf(before, batch.stream);
  if (batch.last < acked) return { outcome: "new_stream" };
  if (batch.after > acked) return { outcome: "gap", acked };
  const taken = await takeEvents(tx, batch.events, before, { caller, stream: batch.stream, acked, now });
  const losses = await takeLosses(origins, batch, caller, before?.losses ?? 0, now);
  const heard = heardFrom(before, {
    ...{ originId: caller.originId, name: caller.name, at: now },
    skewMs: instantToMs(batch.sentAt) - instantToMs(now),
    program: batch.program,
    boot: batch.boot,
    position: { stream: batch.stream, acked: Math.max(acked, batch.upto), last: batch.last },
  });
  const clone = taken.isOverwritten ? { clone: { sign: "position", at: now } as const } : {};
  const after = { ...heard, ...clone, ...taken.parked, losses };
  await origins.putOrigin(after);
  return { outcome: "taken", taken, before, after };
}

/** @returns how many are known then */
async function takeLosses(
  origins: OriginsTransaction,
  { lost, stream }: Batch,
  { originId }: HostCaller,
  known: number,
  at: Instant,
): Promise<number> {
  let losses = known;
  for (const one of lost) {
    const loss = { ...one, originId, stream, at };
    if (losses >= mostLosses || (await origins.isLossKnown(loss))) continue;
    await origins.addLoss(loss);
    losses += 1;
  }
  return losses;
}

function answerOf({ stream }: Batch, { stored, known, refused }: Taken, after: OriginState): BatchAnswer {
  return {
    ...{ stream, acked: ackedOf(after, stream), stored, known },
    refused: refused.map(({ event, code, error }) => ({ seq: event.seq, event_id: event.eventId, code, error })),
    server_time: formatInstant(after.heardAt),
    skew_ms: after.skewMs,
  };
}

/** Clocks that differ by more are worth a word. */
const flaggedSkewMs = 5 * 60_000;

function logTaken(
  log: App["log"],
  { originId, name }: HostCaller,
  { refused }: Taken,
  before: OriginState | null,
  after: OriginState,
): void {
  const origin = { origin: originId, name };
  if (refused.length > 0) log.warning("Events of a host refused", { ...origin, ...countsOf(refused) });
  if (after.clone !== null && before?.clone?.sign !== after.clone.sign) {
    log.warning("Two machines seem to send with the key of one host", { ...origin, sign: after.clone.sign });
  }
  const isOff = (state: OriginState | null) => state !== null && Math.abs(state.skewMs) > flaggedSkewMs;
  if (isOff(after) && !isOff(before)) log.warning("The clock of a host is off", { ...origin, skew_ms: after.skewMs });
  if (after.losses > (before?.losses ?? 0)) log.warning("A host has lost events", { ...origin, losses: after.losses });
}

function countsOf(refused: Taken["refused"]): Readonly<Record<string, number>> {
  const counts = new Map<RefusalCode, number>();
  for (const { code } of refused) counts.set(code, (counts.get(code) ?? 0) + 1);
  return Object.fromEntries(counts);
}
