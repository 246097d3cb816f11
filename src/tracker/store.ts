/** Owns the store's port. Its laws are one exported test suite, `test/contract/store-laws.ts`. Part of the pure core. */
import type { SessionEvent } from "./event.ts";
import type { Session, SessionState } from "./fold.ts";

/** What a query of sessions asks for; a missing field restricts nothing. */
export interface SessionQuery {
  readonly states?: readonly SessionState[];
  /** Only sessions whose process was identified on this host. */
  readonly hostId?: string;
  /** At most this many rows, newest start first; 1 or more, no limit by default. */
  readonly limit?: number;
}

/** One position in the store's log of events. */
export interface LoggedEvent {
  /** Grows by the order of commits; never reused. */
  readonly seq: number;
  readonly event: SessionEvent;
}

/** Reads and writes that become durable together or not at all. */
export interface StoreTransaction {
  eventById(eventId: string): Promise<SessionEvent | null>;
  eventsOf(sessionId: string): Promise<readonly SessionEvent[]>;
  /** Whether the id is, or ever was, given to a session. */
  isSessionIdTaken(sessionId: string): Promise<boolean>;
  /** Appends to the log. The event's id must be new. */
  appendEvent(event: SessionEvent): Promise<void>;
  /** Writes the fold of a session's events over what was there. */
  putSession(session: Session): Promise<void>;
}

/**
 * Where events and their fold are kept. Every method throws `storage.unavailable`, `storage.busy` or
 * `storage.corrupt` when the store cannot do its part.
 */
export interface Store {
  /**
   * Runs `work` alone: no other transaction of any process comes between its reads and its writes. What it wrote is
   * durable when the promise resolves, and gone when `work` throws. Transactions of one process that wait together may
   * share one commit.
   */
  transact<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
  session(sessionId: string): Promise<Session | null>;
  /** Sessions by start time, newest first; equal times by session id, the greatest first. */
  sessions(query: SessionQuery): Promise<readonly Session[]>;
  /** The log after position `afterSeq`, at most `limit` events, in order. */
  events(afterSeq: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** The events of one session in the order of the log. */
  eventsOf(sessionId: string): Promise<readonly LoggedEvent[]>;
  /** What is wrong with the store's own structure, in words; empty when it is sound. */
  problems(): Promise<readonly string[]>;
  /** Waits for what is under way and releases the store. A second call does nothing. */
  close(): Promise<void>;
}
