/** Owns the part of the store's port that brings a whole record into another store, position by position. Part of the pure core. */
import type { Session } from "./fold.ts";
import type { LoggedEvent } from "./store.ts";

/** What is kept of a session that was pruned. */
export interface PrunedSession {
  readonly sessionId: string;
  readonly startEventId: string;
}

/** A row of a table beside the log and its fold, by its columns; both kinds of store have the same ones. */
export type TableRow = Readonly<Record<string, string | number | null>>;

/** Rows of one such table. */
export interface TableRows {
  readonly table: string;
  /** Whether what is in the table is removed first. */
  readonly isFirst: boolean;
  readonly rows: readonly TableRow[];
}

/** A part of a record, as another store has it. */
export interface RecordPart {
  /** In the order of the log. */
  readonly events: readonly LoggedEvent[];
  /** The sessions that they belong to, each the fold of its events up to the last of these. */
  readonly sessions: readonly Session[];
  /** Their events and rows are removed where they are. */
  readonly pruned: readonly PrunedSession[];
  readonly tables: readonly TableRows[];
  /** The position that was given last there; the next event that is new here gets a later one. */
  readonly head: number;
}

/** What copies a record from store to store. */
export interface Transfer {
  /** The position that was given last, also where its event was pruned since; 0 when there is none. */
  head(): Promise<number>;
  /** The ids that pruning keeps, in their order, at most `limit` of those after a session id. */
  prunedSessions(after: string, limit: number): Promise<readonly PrunedSession[]>;
  /** The names of the tables beside the log and its fold. */
  tables(): Promise<readonly string[]>;
  /** The rows of one of them, in an order of their own: at most `limit`, after so many. */
  rowsOf(table: string, offset: number, limit: number): Promise<readonly TableRow[]>;
  /**
   * Takes over a part of another record, its events at the positions that they have there. All of it is durable when the
   * promise resolves, or nothing.
   *
   * @param after - the position up to which all that came before is here
   * @returns false, and nothing is taken, when the log has gone on from there
   */
  takeOver(after: number, part: RecordPart): Promise<boolean>;
}
