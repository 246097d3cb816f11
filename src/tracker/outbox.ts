/** Owns the part of the store's port about delivery: how far each other record has got, what it refused, and what was lost on the way. */
import type { Instant } from "./instant.ts";

/** Another record, as its place in the outbox is known: one that is enrolled anew, or elsewhere, begins anew. */
export interface Addressee {
  /** As the user calls it. */
  readonly name: string;
  readonly url: string;
  /** Who this record is over there. */
  readonly origin: string;
}

/** How far delivery to one record has got. Times are milliseconds since the epoch, null for never. */
export interface Delivery extends Addressee {
  /** Names the sequence of positions to the other record; a UUID. */
  readonly stream: string;
  /** What is at this position or before it has been sent. */
  readonly sent: number;
  /** The last position that the other record has acknowledged. */
  readonly acked: number;
  /** How often it has failed since it last went well. */
  readonly tries: number;
  readonly triedAtMs: number | null;
  /** Not to be tried before; null for at any time. */
  readonly nextAtMs: number | null;
  readonly lastOkAtMs: number | null;
  /** What went wrong, as a sentence; null where the last try went well. */
  readonly lastError: string | null;
  /** What is to be added to the clock of this machine to get that of the other, in milliseconds. */
  readonly clockOffsetMs: number;
  /** The id of the lease that somebody has, or had; null for nobody. */
  readonly leasedBy: string | null;
}

/** Who sends, and until when nobody else does. */
export interface DeliveryLease {
  /** No other lease has it. */
  readonly id: string;
  /** The lease of somebody who is known to be gone, and need not be waited for; nobody by default. */
  readonly abandoned?: string | null;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** An event that was not taken, and will not be sent again and again. */
export interface RefusedEvent {
  readonly seq: number;
  readonly eventId: string;
  readonly code: string;
  /** The other record's sentence. */
  readonly error: string;
}

/** Events that were removed before they could be delivered: so many of those between two positions, both included. */
export interface LostEvents {
  readonly from: number;
  readonly to: number;
  readonly events: number;
  /** `age`: they were too old; `disk_cap`: too many waited. */
  readonly why: LossReason;
  readonly atMs: number;
}

export type LossReason = "age" | "disk_cap";

/** What one exchange has changed; what is missing stays as it was. */
export interface DeliveryChange
  extends Partial<
    Pick<
      Delivery,
      "stream" | "sent" | "acked" | "tries" | "triedAtMs" | "nextAtMs" | "lastOkAtMs" | "lastError" | "clockOffsetMs"
    >
  > {
  /** Added to those that were refused before; one that is known there is not changed. */
  readonly refused?: readonly RefusedEvent[];
  /** Losses that have been told, each by where it begins. */
  readonly toldLosses?: readonly number[];
  readonly nowMs: number;
  /** Until when the lease lasts from here on; null gives it back. */
  readonly leaseUntilMs: number | null;
}

/** What waits to be delivered, and what will not be. */
export interface Backlog {
  /** Events of the log behind the position that was sent. */
  readonly events: number;
  readonly refused: number;
  readonly lost: number;
}

/** For how long events are kept against {@link Upkeep.prune}, which removes none that may have to be sent. */
export interface HoldRule {
  /** What was acknowledged at this time or before need not be kept, in milliseconds since the epoch. */
  readonly ackedBeforeMs: number;
  /** What is at this position or before it is too old to wait any longer; 0 for nothing. */
  readonly oldPosition: number;
  /** At most so many bytes wait. */
  readonly mostBytes: number;
}

/**
 * How far the log was delivered. A position is one of the log; the log of a restored backup has its outbox with it, so
 * that what was sent since is found to be known and sent again.
 */
export interface Outbox {
  /** Every place in the outbox, by name. */
  deliveries(): Promise<readonly Delivery[]>;
  /**
   * Takes the lease of one place, which is made where there is none, or begun anew where it was another record's.
   *
   * @param stream - what to call a new sequence of positions
   * @returns null while somebody else has the lease; a lease from the future, as a clock that was set back leaves it, is none
   */
  leaseDelivery(addressee: Addressee, stream: string, lease: DeliveryLease): Promise<Delivery | null>;
  /**
   * Keeps what an exchange has changed.
   *
   * @returns how it is now; null, and nothing is changed, where the lease is somebody else's by now
   */
  settleDelivery(name: string, leaseId: string, change: DeliveryChange): Promise<Delivery | null>;
  /** Forgets every place that is none of these: its destination is gone, and it keeps nothing from being pruned. */
  keepDeliveries(names: readonly string[]): Promise<void>;
  /** What was refused, the newest first. */
  refusedEvents(name: string, limit: number): Promise<readonly RefusedEvent[]>;
  /** Losses that are to be told, the oldest first. */
  untoldLosses(name: string, limit: number): Promise<readonly LostEvents[]>;
  backlog(name: string): Promise<Backlog>;
  /** Decides anew, for every place, from which position on events are kept. */
  holdEvents(rule: HoldRule): Promise<void>;
  /** How many sessions that ended before an instant are kept because their events may have to be sent. */
  countHeld(endedBefore: Instant): Promise<number>;
}
