/** Owns the questions people and agents ask: what was left behind is finished first, then the store is asked. */
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import { look } from "../host/liveness.ts";
import { type Explanation, explain } from "../tracker/explain.ts";
import type { Session } from "../tracker/fold.ts";
import type { LoggedEvent, SessionQuery, StatsKey, StatsRow } from "../tracker/store.ts";
import { parseCursor, toCursor } from "../wire/cursor.ts";
import type { App } from "./app.ts";
import { sessionPages } from "./pages.ts";

/** One page of sessions, newest start first. */
export interface SessionPage {
  readonly sessions: readonly Session[];
  /** For the page after this one; null when this is the last. */
  readonly nextCursor: string | null;
}

/** A session with its events in the order in which they were recorded. */
export interface SessionRecord {
  readonly session: Session;
  readonly events: readonly LoggedEvent[];
}

/** Every question throws `storage.*` when the store cannot be asked. */
export interface Questions {
  /**
   * @param limit - at most this many sessions, 1 or more; null for all of them
   * @param cursor - the {@link SessionPage.nextCursor} of the page before; null for the first page
   * @throws SessionBuddyError `invalid` when the cursor did not come from a page
   */
  page(query: SessionQuery, limit: number | null, cursor: string | null): Promise<SessionPage>;
  /** The same as it is read, for who needs not all of it at once. */
  pages(query: SessionQuery, limit: number | null, cursor: string | null): AsyncGenerator<SessionPage, void>;
  /** @returns null when nothing has this id */
  record(sessionId: string): Promise<SessionRecord | null>;
  /** How the state of a session is known. @returns null when nothing has this id */
  explain(sessionId: string): Promise<Explanation | null>;
  stats(by: StatsKey, query: SessionQuery): Promise<readonly StatsRow[]>;
}

/** How long after finishing what was left behind the next question may be answered without, in milliseconds. */
const freshForMs = 2_000;
/** Sessions that are read at once when they are handed on as they come. */
const pageRows = 1_000;

/** @param reconcile - finishes what shells left behind, within this many milliseconds */
export function createQuestions(app: App, reconcile = createReconcile(app).reconcile): Questions {
  const { store, machine } = app;
  const bringUpToDate = paced(() => reconcile(deadlinesMs.question), freshForMs);

  const record = async (sessionId: string): Promise<SessionRecord | null> => {
    await bringUpToDate();
    const session = await store.session(sessionId);
    return session === null ? null : { session, events: await store.eventsOf(sessionId) };
  };
  const page: Questions["page"] = async (query, limit, cursor) => {
    const asked = { ...query, ...(cursor === null ? {} : { after: parseCursor(cursor) }) };
    await bringUpToDate();
    if (limit === null) return { sessions: await store.sessions(asked), nextCursor: null };
    // One more than asked for tells whether there is another page.
    const found = await store.sessions({ ...asked, limit: limit + 1 });
    const sessions = found.slice(0, limit);
    const last = sessions.at(-1);
    const hasMore = found.length > limit && last !== undefined;
    return { sessions, nextCursor: hasMore ? toCursor(last) : null };
  };

  return {
    page,
    async *pages(query, limit, cursor) {
      if (limit !== null) return yield await page(query, limit, cursor);
      const asked = { ...query, ...(cursor === null ? {} : { after: parseCursor(cursor) }) };
      await bringUpToDate();
      for await (const sessions of sessionPages(store, asked, pageRows)) yield { sessions, nextCursor: null };
    },
    record,
    async explain(sessionId) {
      const found = await record(sessionId);
      if (found === null) return null;
      const { process } = found.session;
      return explain(found.session, found.events, process === null ? null : look(process, machine));
    },
    async stats(by, query) {
      await bringUpToDate();
      return store.stats(by, query);
    },
  };
}

/** Runs an action for the first caller; those who come while it runs share it, and those soon after do without. */
function paced(action: () => Promise<unknown>, pauseMs: number): () => Promise<unknown> {
  let last: { readonly done: Promise<unknown>; readonly startedMs: number } | null = null;
  return () => {
    const nowMs = process.uptime() * 1000;
    if (last === null || nowMs - last.startedMs >= pauseMs) last = { done: action(), startedMs: nowMs };
    return last.done;
  };
}
