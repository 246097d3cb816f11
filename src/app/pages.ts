/** Owns reading the store in pages, so that neither memory nor other callers have to bear all of it at once. */
import type { Session } from "../tracker/fold.ts";
import type { EventLog, LoggedEvent, SessionIndex, SessionQuery } from "../tracker/store.ts";

/** Events or sessions that are read, changed or removed at once; between two batches others get their turn. */
export const batchSize = 500;

/** @returns the log after a position, a batch at a time, until there is no more */
export async function* eventsAfter(
  store: Pick<EventLog, "events">,
  position: number,
): AsyncGenerator<readonly LoggedEvent[], void> {
  for (let after = position; ; ) {
    const events = await store.events(after, batchSize);
    if (events.length > 0) yield events;
    if (events.length < batchSize) return;
    after = events.at(-1)?.seq ?? after;
  }
}

/** @returns the sessions that match, newest first, a page at a time, until there are no more */
export async function* sessionPages(
  store: Pick<SessionIndex, "sessions">,
  query: SessionQuery,
  size = batchSize,
): AsyncGenerator<readonly Session[], void> {
  for (let after = query.after; ; ) {
    const page = await store.sessions({ ...query, ...(after === undefined ? {} : { after }), limit: size });
    if (page.length > 0) yield page;
    if (page.length < size) return;
    after = page.at(-1);
  }
}
