/** Owns what works have written and is not in the database yet: it is found by event and by session, and goes there in one go. */
import type { SessionEvent } from "../../tracker/event.ts";
import type { Session } from "../../tracker/fold.ts";
import { addOriginsTo, noOriginsWritten, type WrittenOrigins } from "./written-origins.ts";

export interface Written {
  /** In the order in which they were written. */
  readonly events: readonly SessionEvent[];
  /** By session id; the last one counts. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly origins: WrittenOrigins;
  eventById(eventId: string): SessionEvent | null;
  eventsOf(sessionId: string): readonly SessionEvent[];
  append(event: SessionEvent): void;
  put(session: Session): void;
}

export function nothingWritten(): Written {
  const events: SessionEvent[] = [];
  const byId = new Map<string, SessionEvent>();
  const bySession = new Map<string, SessionEvent[]>();
  const sessions = new Map<string, Session>();
  return {
    events,
    sessions,
    origins: noOriginsWritten(),
    eventById: (eventId) => byId.get(eventId) ?? null,
    eventsOf: (sessionId) => bySession.get(sessionId) ?? [],
    append(event) {
      events.push(event);
      byId.set(event.eventId, event);
      const own = bySession.get(event.sessionId);
      if (own === undefined) bySession.set(event.sessionId, [event]);
      else own.push(event);
    },
    put: (session) => void sessions.set(session.sessionId, session),
  };
}

/** Adds what one work has written to what others have. */
export function addTo(all: Written, own: Written): void {
  for (const event of own.events) all.append(event);
  for (const session of own.sessions.values()) all.put(session);
  addOriginsTo(all.origins, own.origins);
}
