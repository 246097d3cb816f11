/** Owns what a caller sees of the record: every question over the wire passes through here. */
import type { Readable } from "../auth/scope.ts";
import type { SessionQuery } from "../tracker/store.ts";
import { parseCursor } from "../wire/cursor.ts";
import type { News } from "./follow.ts";
import type { OwnQuestions, Questions, SessionPage } from "./questions.ts";

/**
 * The questions as one may ask them who sees a part of the record. What is of others is as if it were not on record, and
 * is not counted.
 *
 * @param readable - whose sessions may be read
 */
export function scoped(questions: OwnQuestions, readable: Readable): Questions {
  if (readable.of === "everybody") return questions;
  const { username } = readable;
  const narrowed = (query: SessionQuery): SessionQuery | null =>
    query.username === undefined || query.username === username ? { ...query, username } : null;
  return {
    async page(query, limit, cursor) {
      const own = narrowed(query);
      return own === null ? emptyPage(cursor) : questions.page(own, limit, cursor);
    },
    async *pages(query, limit, cursor) {
      const own = narrowed(query);
      if (own === null) yield emptyPage(cursor);
      else yield* questions.pages(own, limit, cursor);
    },
    async record(sessionId) {
      const record = await questions.record(sessionId);
      return record?.session.username === username ? record : null;
    },
    async explain(sessionId) {
      return (await questions.usernameOf(sessionId)) === username ? questions.explain(sessionId) : null;
    },
    async stats(by, query) {
      const own = narrowed(query);
      return own === null ? { rows: [], omitted: 0 } : questions.stats(by, own);
    },
    async *follow(position, stop) {
      for await (const news of questions.follow(position, stop)) {
        yield { ...news, events: await ownEvents(news, username, questions) };
      }
    },
  };
}

/** A cursor is held to its form whoever asks. */
function emptyPage(cursor: string | null): SessionPage {
  if (cursor !== null) parseCursor(cursor);
  return { sessions: [], nextCursor: null };
}

async function ownEvents(
  { events }: News,
  username: string,
  questions: Pick<OwnQuestions, "usernameOf">,
): Promise<News["events"]> {
  const owners = new Map<string, string | null>();
  for (const { session_id: id } of events) {
    if (!owners.has(id)) owners.set(id, await questions.usernameOf(id));
  }
  return events.filter(({ session_id: id }) => owners.get(id) === username);
}
