/**
 * Owns what one work reads and writes within a transaction of the database: what it wrote is kept here until the commit,
 * so that a work which throws leaves nothing, and a group of works costs one statement a table.
 */
import type { Session } from "../../tracker/fold.ts";
import type { SessionQuery, StoreTransaction } from "../../tracker/store.ts";
import { isUuid, toEvent } from "./event-rows.ts";
import { originsOver } from "./origins.ts";
import { pageSources } from "./query.ts";
import { type Ask, createReadingAhead } from "./reading-ahead.ts";
import { fromText, readColumns, toSession, toText } from "./rows.ts";
import { numbered } from "./statement.ts";
import type { Written } from "./written.ts";

/** @param layers - what was written before the work in the same transaction, and then the work's own, which it adds to */
export function transactionOver(ask: Ask, before: Written, own: Written): StoreTransaction {
  const ahead = createReadingAhead(ask);
  const { read } = ahead;
  const writtenById = (eventId: string) => before.eventById(eventId) ?? own.eventById(eventId);
  const storedById = async (eventId: string) => {
    const [row] = await ask("SELECT event_id, session_id, kind, body FROM events WHERE event_id = $1", [eventId]);
    return row === undefined ? null : toEvent(row);
  };
  const storedOf = async (sessionId: string) => (await ask(eventsOfSql, [toText(sessionId)])).map(toEvent);
  const isStored = async (sessionId: string) => (await ask(takenSql, [toText(sessionId)])).length > 0;
  return {
    expect: ahead.expect,
    async eventById(eventId) {
      const known = writtenById(eventId) ?? read.events.get(eventId);
      if (known !== undefined) return known;
      return isUuid(eventId) ? storedById(eventId) : null;
    },
    async eventsOf(sessionId) {
      const stored = read.lives.get(sessionId) ?? (await storedOf(sessionId));
      return [...stored, ...before.eventsOf(sessionId), ...own.eventsOf(sessionId)];
    },
    async prunedSessionId(eventId) {
      const known = read.prunedIds.get(eventId);
      if (known !== undefined || !isUuid(eventId)) return known ?? null;
      const [row] = await ask("SELECT session_id FROM pruned_sessions WHERE start_event_id = $1", [eventId]);
      return row === undefined ? null : fromText(row.session_id as string);
    },
    async isSessionIdTaken(sessionId) {
      if (before.eventsOf(sessionId).length + own.eventsOf(sessionId).length > 0) return true;
      return read.taken.get(sessionId) ?? isStored(sessionId);
    },
    async activeOfPids(hostId, pids) {
      const found = (await activeOfPids(ask, hostId, pids)).filter(
        ({ sessionId }) => !before.sessions.has(sessionId) && !own.sessions.has(sessionId),
      );
      const here = [...new Map([...before.sessions, ...own.sessions]).values()].filter(
        ({ state, process, origin }) =>
          state === "active" && origin === null && process?.hostId === hostId && pids.includes(process.pid),
      );
      return inOrderOf(pids, [...found, ...here]);
    },
    async sessions(query) {
      const mine = new Map([...before.sessions, ...own.sessions]);
      const limit = query.limit === undefined ? {} : { limit: query.limit + mine.size };
      const found = await findSessions(ask, { ...query, ...limit });
      const here = [...mine.values()].filter((session) => isAskedFor(session, query));
      const rows = [...found.filter(({ sessionId }) => !mine.has(sessionId)), ...here].sort(byNewest);
      return rows.slice(0, query.limit);
    },
    async appendEvent(event) {
      if (writtenById(event.eventId) !== null) throw new Error(alreadyThere);
      own.append(event);
    },
    putSession: async (session) => own.put(session),
    origins: async () => originsOver(ask, before, own),
  };
}

/** What the database says by itself when an event id is there already, and what is said of a session that was pruned. */
export const alreadyThere = "the event is, or was, on record";

/** Part by part until the page is full. */
export async function findSessions(ask: Ask, query: SessionQuery): Promise<Session[]> {
  const limit = query.limit === undefined ? null : Math.max(1, Math.trunc(query.limit));
  const found: Session[] = [];
  for (const source of pageSources(query)) {
    const left = limit === null ? null : limit - found.length;
    if (left === 0) break;
    const { text, values } = numbered(source(readColumns, left));
    found.push(...(await ask(text, values)).map(toSession));
  }
  return found;
}

/** @returns those of each pid newest first, pid by pid */
export async function activeOfPids(ask: Ask, hostId: string, pids: readonly number[]): Promise<Session[]> {
  const rows = await ask(
    `SELECT ${readColumns} FROM sessions s WHERE s.state = 'active' AND s.host_id = $1 AND s.process_pid = ANY($2::int8[]) AND s.origin_id IS NULL`,
    [toText(hostId), pids],
  );
  return inOrderOf(pids, rows.map(toSession));
}

function inOrderOf(pids: readonly number[], sessions: readonly Session[]): Session[] {
  const sorted = [...sessions].sort(byNewest);
  return pids.flatMap((pid) => sorted.filter(({ process }) => process?.pid === pid));
}

/** What {@link findSessions} asks of the database, asked of a session that is not there yet. */
function isAskedFor(session: Session, query: SessionQuery): boolean {
  const { states = [], cwd, after } = query;
  const closedAt = session.endedAt ?? session.endedBefore;
  const directory = cwd?.replace(/(?<!\/)\/+$/, "");
  const below = directory === "/" ? directory : `${directory}/`;
  return [
    states.length === 0 || states.includes(session.state),
    query.username === undefined || session.username === query.username,
    query.hostname === undefined || session.hostname === query.hostname,
    query.componentName === undefined || session.componentName === query.componentName,
    query.loginUser === undefined || session.circumstances.loginUser === query.loginUser,
    query.tty === undefined || session.circumstances.tty === query.tty,
    cwd === undefined || session.cwd === directory || session.cwd.startsWith(below),
    query.openSince === undefined || closedAt === null || closedAt >= query.openSince,
    query.openUntil === undefined || session.startedAt <= query.openUntil,
    query.startedSince === undefined || session.startedAt >= query.startedSince,
    after === undefined || byNewest(after, session) < 0,
  ].every(Boolean);
}

type Placed = Pick<Session, "startedAt" | "sessionId">;

function byNewest(a: Placed, b: Placed): number {
  return compare(b.startedAt, a.startedAt) || compare(b.sessionId, a.sessionId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const eventsOfSql = "SELECT event_id, session_id, kind, body FROM events WHERE session_id = $1 ORDER BY seq";
const takenSql = `SELECT 1 FROM events WHERE session_id = $1
  UNION ALL SELECT 1 FROM pruned_sessions WHERE session_id = $1 LIMIT 1`;
