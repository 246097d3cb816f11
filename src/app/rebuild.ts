/** Owns rebuilding the whole record from its events, and what that finds. */
import { canonicalJson, type Json } from "../tracker/canonical.ts";
import { foldSession, type Session } from "../tracker/fold.ts";
import type { Store } from "../tracker/store.ts";
import { batchSize, eventsAfter, sessionPages } from "./pages.ts";

/** One session whose row is not the fold of its events. */
export interface Difference {
  readonly sessionId: string;
  /** `missing`: events without a row; `no_start`: a row whose events have no start; `differs`: another row. */
  readonly kind: "missing" | "no_start" | "differs";
  /** The fields that differ; empty unless `differs`. */
  readonly fields: readonly string[];
}

export interface RebuildReport {
  readonly sessions: number;
  readonly events: number;
  readonly differences: readonly Difference[];
  /** How many of them were put right. */
  readonly repaired: number;
}

export type RebuildStore = Pick<Store, "session" | "sessions" | "events" | "eventsOf" | "transact">;

export interface RebuildOptions {
  /** Whether to look only. */
  readonly isCheck: boolean;
  /** Told how many events were gone through. */
  readonly onProgress: (events: number) => void;
}

/**
 * Compares every session's row with the fold of its events, and writes the fold where they differ. What others record
 * meanwhile is not a difference.
 */
export async function rebuild(store: RebuildStore, options: RebuildOptions): Promise<RebuildReport> {
  const differences: Difference[] = [];
  let sessions = 0;
  let events = 0;
  let after = 0;
  for await (const logged of eventsAfter(store, 0)) {
    const ids = [...new Set(logged.map(({ event }) => event.sessionId))];
    // A session is looked at once, where its first event is.
    const looks = await Promise.all(ids.map((id) => look(store, id, after)));
    const first = looks.filter((found) => found !== "seen before");
    sessions += first.length;
    differences.push(...first.filter((found) => found !== "equal"));
    events += logged.length;
    options.onProgress(events);
    after = logged.at(-1)?.seq ?? after;
  }
  differences.push(...(await rowsWithoutEvents(store)));
  const repaired = options.isCheck ? 0 : await repair(store, differences);
  return { sessions, events, differences, repaired };
}

/** @param after - the events up to this position were gone through before */
async function look(
  store: RebuildStore,
  sessionId: string,
  after: number,
): Promise<Difference | "equal" | "seen before"> {
  for (;;) {
    const before = await store.session(sessionId);
    const events = await store.eventsOf(sessionId);
    if ((events[0]?.seq ?? 0) <= after) return "seen before";
    const fold = foldSession(events.map(({ event }) => event));
    if (isSame(before, fold)) return "equal";
    // Another process may have recorded something between the two reads; then the row is another now.
    if (isSame(before, await store.session(sessionId))) return differenceOf(sessionId, before, fold);
  }
}

function differenceOf(sessionId: string, row: Session | null, fold: Session | null): Difference {
  if (row === null) return { sessionId, kind: fold === null ? "no_start" : "missing", fields: [] };
  if (fold === null) return { sessionId, kind: "no_start", fields: [] };
  const names = Object.keys(fold) as (keyof Session)[];
  return { sessionId, kind: "differs", fields: names.filter((name) => !isSame(row[name], fold[name])) };
}

/** Rows that no event made; the log, which was gone through, says nothing of them. */
async function rowsWithoutEvents(store: RebuildStore): Promise<Difference[]> {
  const found: Difference[] = [];
  for await (const page of sessionPages(store, {})) {
    const bare = await Promise.all(page.map(({ sessionId }) => isWithoutEvents(store, sessionId)));
    for (const { sessionId } of page.filter((_, at) => bare[at]))
      found.push({ sessionId, kind: "no_start", fields: [] });
  }
  return found;
}

/** What is pruned meanwhile has no row any more. */
async function isWithoutEvents(store: RebuildStore, sessionId: string): Promise<boolean> {
  return (await store.eventsOf(sessionId)).length === 0 && (await store.session(sessionId)) !== null;
}

/** A row that no start stands behind stays: what it says is all that is left. */
async function repair(store: RebuildStore, differences: readonly Difference[]): Promise<number> {
  const mendable = differences.filter(({ kind }) => kind !== "no_start");
  for (let at = 0; at < mendable.length; at += batchSize) {
    const some = mendable.slice(at, at + batchSize);
    await store.transact(async (tx) => {
      for (const { sessionId } of some) {
        const fold = foldSession(await tx.eventsOf(sessionId));
        if (fold !== null) await tx.putSession(fold);
      }
    });
  }
  return mendable.length;
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json);
}
