/** Owns bringing a whole record into another store: what was copied is gone on with, and all of it is compared at the end. */
import { canonicalJson, type Json } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { SessionEvent } from "../tracker/event.ts";
import { foldSession, type Session } from "../tracker/fold.ts";
import type { LoggedEvent, Store, StoreTransaction } from "../tracker/store.ts";
import type { RecordPart } from "../tracker/transfer.ts";
import { batchSize, eventsAfter } from "./pages.ts";

export interface MigrateReport {
  /** Of the record that was copied, up to `position`. */
  readonly events: number;
  readonly sessions: number;
  /** Ids of sessions that were pruned. */
  readonly pruned: number;
  /** Up to here the log was copied and compared. */
  readonly position: number;
  /** Where the copy went on: 0, or as far as an earlier one had come. */
  readonly from: number;
  /** Rows that are not the fold of their events in the record that was copied; in the copy they are. */
  readonly mended: number;
}

const nothing: Omit<RecordPart, "head"> = { events: [], sessions: [], pruned: [], tables: [] };

/** Told how far which step is, in positions or sessions. */
export type OnProgress = (step: "copied" | "compared" | "folded", done: number, total: number) => void;

/**
 * Copies a record, position by position, and compares both at the end. It can be stopped at any time and run again; run
 * again later, it brings what the record got since. Others may write to the record meanwhile, but not to the copy.
 *
 * @throws SessionBuddyError `usage` when the target has another record, or is the record itself; `storage.*`, as
 *   `storage.corrupt` when the copy is not what it should be
 */
export async function migrate(source: Store, target: Store, onProgress: OnProgress): Promise<MigrateReport> {
  if ((await source.logId()) === (await target.logId())) throw refused("is the record itself");
  const from = await target.head();
  await requireBeginning(source, target, from);
  // What was given to events at the end that were pruned since is given to none here either.
  const given = await source.head();
  const position = Math.max(given, await copyEvents(source, target, from, onProgress));
  const pruned = await copyPruned(source, target, position);
  await copyTables(source, target, position);
  return { from, position, pruned, ...(await compare(source, target, position, onProgress)) };
}

function refused(why: string): SessionBuddyError {
  return new SessionBuddyError("usage", `the target ${why}; name an empty database, or a file that does not exist`);
}

/** Looks at the first event, at the last one, and at some between them. */
async function requireBeginning(source: Store, target: Store, head: number): Promise<void> {
  if (head > (await source.head())) throw refused("has another record, or a longer one");
  for (let back = head; back >= 1; back = Math.floor(back / 2)) {
    const [there] = await target.events(head - back, 1);
    if (there === undefined) continue;
    const [here] = await source.events(there.seq - 1, 1);
    if (isSame(here, there) || (await isPruned(source, there))) continue;
    throw refused("has another record");
  }
}

async function isPruned(store: Store, { event }: LoggedEvent): Promise<boolean> {
  if ((await store.eventsOf(event.sessionId)).length > 0) return false;
  return store.transact((tx) => tx.isSessionIdTaken(event.sessionId));
}

/** @returns the position up to which the log is in the target */
async function copyEvents(source: Store, target: Store, from: number, onProgress: OnProgress): Promise<number> {
  let position = from;
  for await (const events of eventsAfter(source, from)) {
    const last = events.at(-1)?.seq ?? position;
    const sessions = await foldsOf(source, events, last);
    await takeOver(target, position, { ...nothing, events, sessions, head: last });
    position = last;
    onProgress("copied", position, await source.head());
  }
  return position;
}

/** The sessions of these events, each as it was at a position. */
async function foldsOf(source: Store, events: readonly LoggedEvent[], position: number): Promise<Session[]> {
  const ids = [...new Set(events.map(({ event }) => event.sessionId))];
  const lives = await Promise.all(ids.map((id) => source.eventsOf(id)));
  return lives.flatMap((life) => {
    const until = life.filter(({ seq }) => seq <= position);
    return foldSession(until.map(({ event }) => event)) ?? [];
  });
}

async function takeOver(target: Store, after: number, part: RecordPart): Promise<void> {
  if (await target.takeOver(after, part)) return;
  // A commit whose answer was lost was done all the same.
  const [last] = await target.events(part.head - 1, 1);
  if (part.events.length > 0 && isSame(last, part.events.at(-1))) return;
  throw refused("is written to by another program");
}

/** After the events, so that what was pruned since they were copied goes. @returns how many ids there are */
async function copyPruned(source: Store, target: Store, position: number): Promise<number> {
  let pruned = 0;
  for (let after = ""; ; ) {
    const page = await source.prunedSessions(after, batchSize);
    await takeOver(target, await target.head(), { ...nothing, pruned: page, head: position });
    pruned += page.length;
    if (page.length < batchSize) return pruned;
    after = page.at(-1)?.sessionId ?? after;
  }
}

/** They have no positions: each is copied anew. */
async function copyTables(source: Store, target: Store, position: number): Promise<void> {
  for (const table of await source.tables()) {
    for (let offset = 0; ; offset += batchSize) {
      const rows = await source.rowsOf(table, offset, batchSize);
      const tables = [{ table, isFirst: offset === 0, rows }];
      await takeOver(target, position, { ...nothing, tables, head: position });
      if (rows.length < batchSize) break;
    }
  }
}

async function compareTables(source: Store, target: Store): Promise<void> {
  for (const table of await source.tables()) {
    const [here, there] = [await contentOf(source, table), await contentOf(target, table)];
    if (!isSame(here, there)) throw different(`its ${table} differ`);
  }
}

/** In one order for both: each kind of store has its own for what is missing. */
async function contentOf(store: Store, table: string): Promise<string[]> {
  const content: string[] = [];
  for (let rows = await store.rowsOf(table, 0, batchSize); rows.length > 0; ) {
    content.push(...rows.map((row) => canonicalJson(row)));
    rows = await store.rowsOf(table, content.length, batchSize);
  }
  return content.sort();
}

async function compare(source: Store, target: Store, position: number, onProgress: OnProgress) {
  await compareTables(source, target);
  const { events, starts } = await compareLogs(source, target, position, onProgress);
  const mended = (await checkFolds(source, starts, onProgress)).different;
  const copied = await checkFolds(target, starts, onProgress);
  if (copied.different > 0) throw different(`${copied.different} sessions are not what their events say`);
  if (copied.starts !== starts) throw different(`its sessions have ${copied.starts} of ${starts} starts`);
  return { events, sessions: copied.sessions, mended };
}

function different(how: string): SessionBuddyError {
  return new SessionBuddyError("storage.corrupt", `the copy is not the record: ${how}; empty the target and try again`);
}

/** @returns how many events there are up to the position, and how many of them are starts */
async function compareLogs(source: Store, target: Store, position: number, onProgress: OnProgress) {
  let events = 0;
  let starts = 0;
  const copies = eventsAfter(target, 0);
  let copied: readonly LoggedEvent[] = [];
  for await (const batch of eventsAfter(source, 0)) {
    for (const logged of batch.filter(({ seq }) => seq <= position)) {
      if (copied.length === 0) copied = (await copies.next()).value ?? [];
      const [copy, ...rest] = copied;
      if (!isSame(copy, logged)) throw different(`they differ at position ${logged.seq}`);
      copied = rest;
      events += 1;
      starts += Number(logged.event.kind === "start");
    }
    const last = batch.at(-1)?.seq ?? position;
    onProgress("compared", Math.min(last, position), position);
    if (last >= position) break;
  }
  if (copied.length > 0 || !(await copies.next()).done) throw different("it has more events");
  return { events, starts };
}

/** Folds each session of a store. @returns how many there are, their starts, and how many rows are not the fold of their events */
async function checkFolds(store: Store, total: number, onProgress: OnProgress) {
  const sum = { sessions: 0, starts: 0, different: 0 };
  for (let after: Session | undefined; ; ) {
    const { rows, lives } = await store.transact((tx) => livesAfter(tx, after));
    sum.sessions += rows.length;
    sum.starts += lives.flat().filter(({ kind }) => kind === "start").length;
    sum.different += rows.filter((row, at) => !isSame(row, foldSession(lives[at] ?? []))).length;
    onProgress("folded", sum.sessions, total);
    if (rows.length < batchSize) return sum;
    after = rows.at(-1);
  }
}

/** Rows and their events as they are at one moment. */
async function livesAfter(tx: StoreTransaction, after: Session | undefined) {
  const rows = await tx.sessions({ limit: batchSize, ...(after === undefined ? {} : { after }) });
  await tx.expect({ startEventIds: rows.map(({ startEventId }) => startEventId) });
  const lives: (readonly SessionEvent[])[] = [];
  for (const { sessionId } of rows) lives.push(await tx.eventsOf(sessionId));
  return { rows, lives };
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson((a ?? null) as Json) === canonicalJson((b ?? null) as Json);
}
