/** Owns the questions people and agents ask: what was left behind is finished first, then the store is asked. */
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import { ownContainer } from "../host/circumstances.ts";
import { look } from "../host/liveness.ts";
import { explain } from "../tracker/explain.ts";
import type { Session } from "../tracker/fold.ts";
import type { SessionQuery, StatsKey, StatsRow } from "../tracker/store.ts";
import { parseCursor, toCursor } from "../wire/cursor.ts";
import {
  type EventRow,
  type ExplanationRow,
  type ListedSession,
  type SessionDetailRow,
  toDetailRow,
  toEventRow,
  toExplanationRow,
} from "../wire/view.ts";
import type { App } from "./app.ts";
import { follow, type News } from "./follow.ts";
import { createHeard } from "./heard.ts";
import { withIdle } from "./idle.ts";
import { sessionPages } from "./pages.ts";

/** One page of sessions, newest start first. */
export interface SessionPage {
  readonly sessions: readonly ListedSession[];
  /** For the page after this one; null when this is the last. */
  readonly nextCursor: string | null;
}

/** A session with its events in the order in which they were recorded. */
export interface SessionRecord {
  readonly session: SessionDetailRow;
  readonly events: readonly EventRow[];
}

/** Counts, most sessions first, days in their order. */
export interface Counts {
  readonly rows: readonly StatsRow[];
  /** How many more there are than a record gives in one answer. */
  readonly omitted: number;
}

/**
 * What is asked of a record, whether it is this program's own or a service's. Every question throws `storage.*` when the
 * store cannot be asked.
 */
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
  explain(sessionId: string): Promise<ExplanationRow | null>;
  stats(by: StatsKey, query: SessionQuery): Promise<Counts>;
  /**
   * Follows the log as it grows, until it is stopped.
   *
   * @param position - what comes after it is new; null for its end at this moment
   */
  follow(position: number | null, stop: AbortSignal): AsyncGenerator<News, void>;
}

/** The questions over this program's own store. */
export interface OwnQuestions extends Questions {
  /** Whose a session is. @returns null when nothing has this id */
  usernameOf(sessionId: string): Promise<string | null>;
  /** Names the log that is followed. */
  logId(): Promise<string>;
}

/** How long after finishing what was left behind the next question may be answered without, in milliseconds. */
const freshForMs = 2_000;
/** Sessions that are read at once when they are handed on as they come. */
const pageRows = 1_000;

/** @param reconcile - finishes what shells left behind, within this many milliseconds */
export function createQuestions(app: App, reconcile = createReconcile(app).reconcile): OwnQuestions {
  const { store, machine } = app;
  const bringUpToDate = paced(() => reconcile(deadlinesMs.question), freshForMs);

  const container = ownContainer();
  const heard = createHeard(store);
  const seen = async (sessions: readonly Session[]): Promise<(Session & Pick<ListedSession, "idleMs" | "heard">)[]> => {
    const here = sessions.map((session) => withIdle(session, machine, container));
    return sessions.some(({ origin }) => origin !== null) ? here.map(await heard()) : here;
  };
  const record = async (sessionId: string) => {
    await bringUpToDate();
    const session = await store.session(sessionId);
    return session === null ? null : { session, events: await store.eventsOf(sessionId) };
  };
  const page: Questions["page"] = async (query, limit, cursor) => {
    const asked = { ...query, ...(cursor === null ? {} : { after: parseCursor(cursor) }) };
    await bringUpToDate();
    if (limit === null) return { sessions: await seen(await store.sessions(asked)), nextCursor: null };
    // One more than asked for tells whether there is another page.
    const found = await store.sessions({ ...asked, limit: limit + 1 });
    const sessions = found.slice(0, limit);
    const last = sessions.at(-1);
    const hasMore = found.length > limit && last !== undefined;
    return { sessions: await seen(sessions), nextCursor: hasMore ? toCursor(last) : null };
  };

  return {
    page,
    async *pages(query, limit, cursor) {
      if (limit !== null) return yield await page(query, limit, cursor);
      const asked = { ...query, ...(cursor === null ? {} : { after: parseCursor(cursor) }) };
      await bringUpToDate();
      for await (const sessions of sessionPages(store, asked, pageRows))
        yield { sessions: await seen(sessions), nextCursor: null };
    },
    async record(sessionId) {
      const found = await record(sessionId);
      if (found === null) return null;
      const [session = found.session] = await seen([found.session]);
      return { session: toDetailRow(session), events: found.events.map(toEventRow) };
    },
    async explain(sessionId) {
      const found = await record(sessionId);
      if (found === null) return null;
      const { process, ownerUid, origin } = found.session;
      // What another record says of a process is no reason to look at one of this machine.
      const now = process === null || origin !== null ? null : look(process, machine, ownerUid !== null);
      const [{ heard } = {}] = await seen([found.session]);
      return toExplanationRow(explain(found.session, found.events, now), heard);
    },
    async stats(by, query) {
      await bringUpToDate();
      return { rows: await store.stats(by, query), omitted: 0 };
    },
    follow: (position, stop) => follow(store, position, { bringUpToDate, stop }),
    logId: () => store.logId(),
    async usernameOf(sessionId) {
      await bringUpToDate();
      return (await store.session(sessionId))?.username ?? null;
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
