/** Owns what is asked of the whole history: searches, counts, changes, what is removed and copied. Loaded when it is asked. */
import type { DatabaseSync } from "node:sqlite";
import type { Session } from "../../tracker/fold.ts";
import type { Instant } from "../../tracker/instant.ts";
import type { HoldRule } from "../../tracker/outbox.ts";
import type { ComponentCount, LoggedChange, SessionQuery, StatsKey, StatsRow } from "../../tracker/store.ts";
import type { PrunedSession, RecordPart, TableRow } from "../../tracker/transfer.ts";
import { rowToSession } from "../rows.ts";
import { copyTo } from "./backup.ts";
import { nextTurn } from "./busy.ts";
import { changesAfter } from "./changes.ts";
import { countHeldOnes, countPrunable, decideHold, pruneOldest } from "./prune.ts";
import { matchingRows } from "./query.ts";
import type { Prepare } from "./ranges.ts";
import { countComponents, countSessions } from "./stats.ts";
import { headOf, prunedAfter, rowsOf, tablesOf, takeOver } from "./transfer.ts";

/** To be run inside a transaction, because it reads in several goes. */
export function findSessions(prepare: Prepare, query: SessionQuery): Session[] {
  return [...matchingRows(prepare, query)].map(rowToSession);
}

export function findChanges(prepare: Prepare, afterSeq: number, limit: number): LoggedChange[] {
  return changesAfter(prepare, afterSeq, limit);
}

/** Lets others have their turn while it counts. */
export function countSessionsBy(database: DatabaseSync, by: StatsKey, query: SessionQuery): Promise<StatsRow[]> {
  return countSessions((sql) => database.prepare(sql), by, query, nextTurn);
}

export function countByComponent(prepare: Prepare): ComponentCount[] {
  return countComponents(prepare);
}

export function countOld(prepare: Prepare, endedBefore: Instant): number {
  return countPrunable(prepare, endedBefore);
}

export function countKept(prepare: Prepare, endedBefore: Instant): number {
  return countHeldOnes(prepare, endedBefore);
}

/** To be run inside a transaction. */
export function hold(prepare: Prepare, rule: HoldRule): void {
  decideHold(prepare, rule);
}

/** To be run inside a transaction. @returns how many were removed */
export function removeOld(prepare: Prepare, endedBefore: Instant, limit: number): number {
  return pruneOldest(prepare, endedBefore, limit);
}

/** @returns what is wrong with the file's own structure, in SQLite's words */
export function findProblems(prepare: Prepare): string[] {
  const words = prepare("PRAGMA integrity_check(10)")
    .all()
    .map((row) => String(row.integrity_check));
  return words.length === 1 && words[0] === "ok" ? [] : words;
}

export function copyInto(
  target: string,
  database: DatabaseSync,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  return copyTo(target, database, onProgress);
}

export function findHead(prepare: Prepare): number {
  return headOf(prepare);
}

export function findPruned(prepare: Prepare, after: string, limit: number): PrunedSession[] {
  return prunedAfter(prepare, after, limit);
}

/** To be run inside a transaction. @returns whether the part was taken */
export function takePart(prepare: Prepare, after: number, part: RecordPart): boolean {
  return takeOver(prepare, after, part);
}

export function findTables(prepare: Prepare): string[] {
  return tablesOf(prepare);
}

export function findRows(prepare: Prepare, table: string, offset: number, limit: number): TableRow[] {
  return rowsOf(prepare, table, offset, limit);
}
