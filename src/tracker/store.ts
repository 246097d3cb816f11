/** Owns the store's port: the log of events, the index of sessions, the upkeep; `transfer.ts` has what copies it. The laws of each are an exported test suite in `test/contract/store/`. */
import type { SessionEvent } from "./event.ts";
import type { Session, SessionState } from "./fold.ts";
import type { Hosts } from "./hosts.ts";
import type { Instant } from "./instant.ts";
import type { Origins, OriginsTransaction } from "./origins.ts";
import type { Outbox } from "./outbox.ts";
import type { Transfer } from "./transfer.ts";

/** What a query of sessions asks for; a missing field restricts nothing, several are joined by "and". */
export interface SessionQuery {
  readonly states?: readonly SessionState[];
  /** Exact names. */
  readonly username?: string;
  readonly hostname?: string;
  readonly componentName?: string;
  /** Exact: the name of the user that logged in, and the terminal without `/dev/`. */
  readonly loginUser?: string;
  readonly tty?: string;
  /** An absolute path: sessions in this directory or below it. */
  readonly cwd?: string;
  /**
   * Sessions that were, or may have been, open at this instant or later. An open session is open for ever, an orphaned
   * one may have been open until its first proof of death.
   */
  readonly openSince?: Instant;
  /** Sessions that were open at this instant or earlier. The same instant as `openSince` asks who was on then. */
  readonly openUntil?: Instant;
  /** Sessions that started at this instant or later. */
  readonly startedSince?: Instant;
  /** The page after this position, in the order of {@link SessionIndex.sessions}; from the newest by default. */
  readonly after?: PagePosition;
  /** At most this many rows, newest start first; 1 or more, no limit by default. */
  readonly limit?: number;
}

/** Where a page of sessions ended: its last row. */
export interface PagePosition {
  readonly startedAt: Instant;
  readonly sessionId: string;
}

/** What sessions are counted by; `day` is the day of the start in UTC. */
export const statsKeys = ["user", "host", "component", "state", "day"] as const;

export type StatsKey = (typeof statsKeys)[number];

/** Counts over the sessions of one user, host, component, state or day. */
export interface StatsRow {
  readonly key: string;
  readonly sessions: number;
  readonly open: number;
  readonly orphaned: number;
  readonly replaced: number;
  /** Median and 95th percentile of the known durations (nearest rank), in milliseconds; null when none is known. */
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
}

/** How many sessions, in whatever state, one component has on record. */
export interface ComponentCount {
  readonly componentName: string;
  readonly sessions: number;
}

/** One position in the store's log of events. */
export interface LoggedEvent {
  /** Grows by the order of commits; never reused. */
  readonly seq: number;
  readonly event: SessionEvent;
}

/** What one event of the log did to its session. */
export interface LoggedChange {
  /** The event's position. */
  readonly seq: number;
  /** `raised` is an end of a session that was proven dead before; `none` is an event that says what was known. */
  readonly change: "started" | "ended" | "orphaned" | "replaced" | "raised" | "none";
  readonly componentName: string;
  readonly shellType: string;
  /** How long the session lasted, in milliseconds, as it is known now; null where this event did not make it known. */
  readonly durationMs: number | null;
}

/** What a work of many events will ask for; each list is empty by default. */
export interface Expected {
  /** What {@link StoreTransaction.eventById} will be asked. */
  readonly eventIds?: readonly string[];
  /**
   * Of the starts that it brings, and of those that its ends and deaths name: what {@link StoreTransaction.eventById} and
   * {@link StoreTransaction.prunedSessionId} will be asked, and {@link StoreTransaction.eventsOf} of their sessions.
   */
  readonly startEventIds?: readonly string[];
  /** What {@link StoreTransaction.isSessionIdTaken} will be asked. */
  readonly sessionIds?: readonly string[];
}

/** Reads and writes that become durable together or not at all. */
export interface StoreTransaction {
  /**
   * A hint, which changes no answer: a store that is far away reads what is expected in one go, instead of a round trip
   * for each question. What was not expected may be asked all the same.
   */
  expect(expected: Expected): Promise<void>;
  eventById(eventId: string): Promise<SessionEvent | null>;
  eventsOf(sessionId: string): Promise<readonly SessionEvent[]>;
  /** The session that a start event began and that was pruned since; null when there is none. */
  prunedSessionId(startEventId: string): Promise<string | null>;
  /** Whether the id is, or ever was, given to a session. */
  isSessionIdTaken(sessionId: string): Promise<boolean>;
  /** As {@link SessionIndex.activeOfPids}. */
  activeOfPids: SessionIndex["activeOfPids"];
  /** As {@link SessionIndex.sessions}. */
  sessions: SessionIndex["sessions"];
  /** Appends to the log. The event's id must be new, and its session not be pruned. */
  appendEvent(event: SessionEvent): Promise<void>;
  /** Writes the fold of a session's events over what was there. */
  putSession(session: Session): Promise<void>;
  /** What is known of the records that deliver to this one. */
  origins(): Promise<OriginsTransaction>;
}

/** Every event in the order of commits, and what makes several of them durable together. */
export interface EventLog {
  /**
   * Runs `work` alone: no other transaction of any process comes between its reads and its writes. What it wrote is
   * durable when the promise resolves, and gone when `work` throws. Transactions of one process that wait together may
   * share one commit; where one of them is taken back, the others' work may run once more, so that it must change
   * nothing outside of the transaction.
   */
  transact<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
  /** The log after position `afterSeq`, at most `limit` events, in order. */
  events(afterSeq: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** The events of one session in the order of the log. */
  eventsOf(sessionId: string): Promise<readonly LoggedEvent[]>;
  /** The same part of the log as changes of sessions; cheaper, for whoever counts them. */
  changes(afterSeq: number, limit: number): Promise<readonly LoggedChange[]>;
  /** The position of the newest event in the log, from which on {@link events} has what is new; 0 when there is none. */
  lastSeq(): Promise<number>;
  /** Names the log: one that takes its place, as that of a restored backup, has another name. */
  logId(): Promise<string>;
  /**
   * How often the log was replaced by another one since the store was opened, as by a restored backup. A position is one
   * of the log that it was read from; this tells, right after a read, whether it still was that one.
   */
  replacements(): number;
}

/** The fold of the events, a row a session, and what is asked of it. */
export interface SessionIndex {
  session(sessionId: string): Promise<Session | null>;
  /** Sessions by start time, newest first; equal times by session id, the greatest first. */
  sessions(query: SessionQuery): Promise<readonly Session[]>;
  /**
   * The open sessions whose process was identified on this host, newest first. Those that another record delivered are
   * none of them, whatever host it says: that record alone knows how they end.
   */
  activeOfHost(hostId: string): Promise<readonly Session[]>;
  /** Those of them whose process has one of these pids; of equal ones newest first. */
  activeOfPids(hostId: string, pids: readonly number[]): Promise<readonly Session[]>;
  /** The oldest of this record's own sessions of a login (`/proc/PID/sessionid` in one boot) that knows where it came from, outside of multiplexers. */
  remoteOfLogin(hostId: string, bootId: string, auditSession: number): Promise<string | null>;
  /** Counts over the sessions that match, `limit` and `after` aside; most sessions first, days in their order. */
  stats(by: StatsKey, query: SessionQuery): Promise<readonly StatsRow[]>;
  /**
   * Every component on record with the number of its sessions, most sessions first, equal ones by name. Far cheaper than
   * {@link stats}, but in one go: for a start, not for every question.
   */
  componentCounts(): Promise<readonly ComponentCount[]>;
}

/** What keeps the store small and sound. */
export interface Upkeep {
  /** How many sessions {@link prune} would remove. */
  countPrunable(endedBefore: Instant): Promise<number>;
  /**
   * Removes sessions that ended, or are proven dead, before an instant, with their events; open ones stay. Their ids are
   * never given out again. The ids of their start events are kept too: such an event that is sent once more names a
   * session that is over, and must not open a new one ({@link StoreTransaction.prunedSessionId}). What may have to be
   * delivered stays ({@link Outbox.holdEvents}); what goes before it could be is a loss ({@link Outbox.untoldLosses}).
   *
   * @param limit - at most this many, so that others get their turn (a few thousand take about half a second); call again
   *   until it answers 0
   * @returns how many were removed
   */
  prune(endedBefore: Instant, limit: number): Promise<number>;
  /** What is wrong with the store's own structure, in words; empty when it is sound. */
  problems(): Promise<readonly string[]>;
  /**
   * Copies the store, as it is at one moment, into a new file (mode 0600) while others continue to write.
   *
   * @param onProgress - called with how many pages of how many have been copied
   * @throws SessionBuddyError `usage` when there is such a file, or the store is copied by its own programs
   */
  backup(path: string, onProgress: (done: number, total: number) => void): Promise<void>;
}

/**
 * Where events and their fold are kept. Every method throws `storage.unavailable`, `storage.busy` or
 * `storage.corrupt` when the store cannot do its part.
 */
export interface Store extends EventLog, SessionIndex, Upkeep, Transfer, Origins, Hosts, Outbox {
  /** Waits for what is under way and releases the store. A second call does nothing. */
  close(): Promise<void>;
}
