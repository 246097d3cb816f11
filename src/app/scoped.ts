/** Owns what a caller sees of the record: every question over the wire passes through here. */
import type { Readable } from "../auth/scope.ts";
import type { SessionQuery } from "../tracker/store.ts";
import { parseCursor } from "../wire/cursor.ts";
import type { EventRow, ListedSession } from "../wire/view.ts";
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
  const hide = createHiding(username, questions);
  return {
    async page(query, limit, cursor) {
      const own = narrowed(query);
      return own === null ? emptyPage(cursor) : hide.inPage(await questions.page(own, limit, cursor));
    },
    async *pages(query, limit, cursor) {
      const own = narrowed(query);
      if (own === null) yield emptyPage(cursor);
      else for await (const page of questions.pages(own, limit, cursor)) yield hide.inPage(page);
    },
    async record(sessionId) {
      const record = await questions.record(sessionId);
      if (record?.session.username !== username) return null;
      const { parent_session: parent } = record.session;
      const session = { ...record.session, parent_session: (await hide.isHidden(parent)) ? null : parent };
      return { session, events: await Promise.all(record.events.map(hide.inRow)) };
    },
    async explain(sessionId) {
      if ((await questions.usernameOf(sessionId)) !== username) return null;
      const explanation = await questions.explain(sessionId);
      return explanation === null ? null : hide.inRow(explanation);
    },
    async stats(by, query) {
      const own = narrowed(query);
      return own === null ? { rows: [], omitted: 0 } : questions.stats(by, own);
    },
    async *follow(position, stop) {
      for await (const news of questions.follow(position, stop)) {
        const events = await ownEvents(news, username, questions);
        yield { ...news, events: await Promise.all(events.map(hide.inRow)) };
      }
    },
  };
}

interface Hiding {
  /** @returns whether a session is another user's, or not on record */
  isHidden(sessionId: string | null): Promise<boolean>;
  inPage(page: SessionPage): Promise<SessionPage>;
  /** In what has its circumstances as they were told. */
  inRow<T extends { readonly circumstances: readonly CircumstanceRow[] }>(row: T): Promise<T>;
}

type CircumstanceRow = EventRow["circumstances"][number];

/** The shell around one's own, as behind `sudo -u`, may be another user's: its id says when that one opened a shell. */
function createHiding(username: string, questions: Pick<OwnQuestions, "usernameOf">): Hiding {
  const isHidden = async (id: string | null) => id !== null && (await questions.usernameOf(id)) !== username;
  const inSession = async (session: ListedSession): Promise<ListedSession> => {
    const { circumstances } = session;
    if (!(await isHidden(circumstances.parentSession))) return session;
    return { ...session, circumstances: { ...circumstances, parentSession: null } };
  };
  return {
    isHidden,
    async inPage(page) {
      return { ...page, sessions: await Promise.all(page.sessions.map(inSession)) };
    },
    async inRow(row) {
      const parent = row.circumstances.find(({ name }) => name === "parent_session");
      if (parent === undefined || !(await isHidden(String(parent.value)))) return row;
      return { ...row, circumstances: row.circumstances.filter((one) => one !== parent) };
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
