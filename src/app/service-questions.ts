/** Owns the questions as they are asked of a service, over whatever carries them there. */
import { SessionBuddyError } from "../tracker/errors.ts";
import { formatInstant, type Instant } from "../tracker/instant.ts";
import { maxSessionId } from "../tracker/limits.ts";
import type { SessionQuery } from "../tracker/store.ts";
import { largestLimit } from "../wire/parse-question.ts";
import { readExplanation, readPage, readRecord, readStats } from "../wire/read-answer.ts";
import type { ListedSession } from "../wire/view.ts";
import { followService } from "./live-client.ts";
import type { Questions, SessionPage } from "./questions.ts";
import type { ServiceClient } from "./service-client.ts";

export interface ServiceQuestionsOptions {
  /** How long a stream that is gone is taken up again, in milliseconds; for ever by default. */
  readonly patienceMs?: number;
}

/** Nothing is sent before the first question. Each of them throws as {@link ServiceClient.ask}. */
export function questionsOf(client: ServiceClient, { patienceMs }: ServiceQuestionsOptions = {}): Questions {
  const pages: Questions["pages"] = (query, limit, cursor) => readPages(client, query, limit, cursor);
  return {
    pages,
    async page(query, limit, cursor) {
      const sessions: ListedSession[] = [];
      let nextCursor: string | null = null;
      for await (const part of pages(query, limit, cursor)) {
        sessions.push(...part.sessions);
        nextCursor = part.nextCursor;
      }
      return { sessions, nextCursor };
    },
    record: (sessionId) => askAbout(client, sessionId, "", readRecord),
    explain: (sessionId) => askAbout(client, sessionId, "/why", readExplanation),
    async stats(by, query) {
      const asked = parametersOf(query, [["by", by], limitParameter(largestLimit)]);
      return asWhole(await client.ask(`stats?${asked}`, readStats));
    },
    follow: (position, stop) => followService(client, position, { stop, patienceMs }),
  };
}

/** Only of one session can be said that it is not on record. */
function asWhole<T>(answer: T | null): T {
  if (answer !== null) return answer;
  throw new SessionBuddyError("network", "the answer has an unexpected form at answer.status");
}

/** The service gives so many sessions in one answer; more are several. */
async function* readPages(
  client: ServiceClient,
  query: SessionQuery,
  limit: number | null,
  cursor: string | null,
): AsyncGenerator<SessionPage, void> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let last: ListedSession | null = null;
  for (let next = cursor, isFirst = true; isFirst || (next !== null && left > 0); isFirst = false) {
    const more: Parameter[] = [
      limitParameter(Math.min(left, largestLimit)),
      ...(next === null ? [] : [["cursor", next] as const]),
    ];
    const page = asWhole(await client.ask(`sessions?${parametersOf(query, more)}`, readPage));
    last = requireProgress(page, last);
    left -= page.sessions.length;
    next = page.nextCursor;
    // On the way to the last page, the cursors are for this loop.
    yield { sessions: page.sessions, nextCursor: limit !== null && left <= 0 ? next : null };
  }
}

/** Newest first, without an end in sight: what does not go on is no answer, or this would never end. */
function requireProgress({ sessions, nextCursor }: SessionPage, before: ListedSession | null): ListedSession | null {
  let last = before;
  for (const session of sessions) {
    if (last !== null && keyOf(session) >= keyOf(last)) throw unordered();
    last = session;
  }
  if (sessions.length === 0 && nextCursor !== null) throw unordered();
  return last;
}

function keyOf({ startedAt, sessionId }: ListedSession): string {
  return `${startedAt} ${sessionId}`;
}

function unordered(): SessionBuddyError {
  return new SessionBuddyError("network", "the pages of the answer do not follow each other");
}

/** What cannot be an id is not asked about. */
async function askAbout<T>(
  client: ServiceClient,
  sessionId: string,
  what: string,
  read: (answer: unknown) => T,
): Promise<T | null> {
  if (sessionId === "" || sessionId.length > maxSessionId || !sessionId.isWellFormed()) return null;
  return client.ask(`sessions/${encodeURIComponent(sessionId)}${what}`, read);
}

type Parameter = readonly [name: string, value: string];

const one = (name: string) => (value: string) => [[name, value] as const];
const time = (name: string) => (value: Instant) => [[name, formatInstant(value)] as const];

/** A filter more does not compile before it has its parameter here. */
const parameters: {
  readonly [Name in Exclude<keyof SessionQuery, "after" | "limit">]-?: (
    value: NonNullable<SessionQuery[Name]>,
  ) => readonly Parameter[];
} = {
  states: (states) => states.map((state) => ["states", state]),
  username: one("username"),
  hostname: one("hostname"),
  componentName: one("component_name"),
  loginUser: one("login_user"),
  tty: one("tty"),
  cwd: one("cwd"),
  openSince: time("open_since"),
  openUntil: time("open_until"),
  startedSince: time("started_since"),
};

function parametersOf(query: SessionQuery, more: readonly Parameter[]): URLSearchParams {
  const all = Object.entries(parameters).flatMap(([name, toParameters]) => {
    const value = query[name as keyof typeof parameters];
    return value === undefined ? [] : (toParameters as (value: unknown) => readonly Parameter[])(value);
  });
  return new URLSearchParams([...all, ...more].map(([name, value]) => [name, value]));
}

function limitParameter(limit: number): Parameter {
  return ["limit", String(limit)];
}
