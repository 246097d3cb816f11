/** Owns following the store's log and counting what is new in it, whoever wrote it. For `metrics.ts` alone. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { App } from "../app.ts";
import type { SessionEvent, StartContent } from "../tracker/event.ts";
import type { LoggedEvent } from "../tracker/store.ts";

/** What a followed log tells; a component is null where its session was removed before it could be looked at. */
export interface LogListener {
  started(content: StartContent): void;
  /** A session closed that was open before. */
  closed(componentName: string | null, status: "ended" | "orphaned"): void;
  /** The length of a session is known, which it was not before; in milliseconds. */
  lasted(componentName: string | null, durationMs: number): void;
}

export type LogApp = Pick<App, "events" | "eventsOf" | "session">;

/** Events that are read at once; after them the server's other work gets its turn. */
const page = 200;

/**
 * Reads what is new and tells of it, each event once; a read that fails goes on from there the next time. Must not run
 * twice at a time.
 *
 * @param position - in the log; what lies behind it is new
 */
export function createLogReader(app: LogApp, listener: LogListener, position: number): () => Promise<void> {
  let after = position;
  return async () => {
    for (let isMore = true; isMore; ) {
      const events = await app.events(after, page);
      for (const { seq, event } of events) {
        const tell = await newsOf(app, event, listener);
        tell();
        after = seq;
      }
      isMore = events.length === page;
      if (isMore) await nextTurn();
    }
  };
}

/** A session closes once: an end after a proof of death only adds how long it lasted. */
async function newsOf(app: LogApp, event: SessionEvent, listener: LogListener): Promise<() => void> {
  if (event.kind === "start") return () => listener.started(event.content);
  const life = await app.eventsOf(event.sessionId);
  const { componentName = null } = startOf(life) ?? {};
  const isFirst = isFirstOf(life, event, ({ kind }) => kind !== "start");
  const isFirstEnd = event.kind === "end" && isFirstOf(life, event, ({ kind }) => kind === "end");
  const durationMs = isFirstEnd ? ((await app.session(event.sessionId))?.durationMs ?? null) : null;
  return () => {
    if (isFirst) listener.closed(componentName, event.kind === "end" ? "ended" : "orphaned");
    if (durationMs !== null) listener.lasted(componentName, durationMs);
  };
}

function startOf(life: readonly LoggedEvent[]): StartContent | null {
  const start = life.find(({ event }) => event.kind === "start")?.event;
  return start?.kind === "start" ? start.content : null;
}

/** Whether no event of this kind came before it. A life that was pruned meanwhile is empty, and was counted by nobody. */
function isFirstOf(life: readonly LoggedEvent[], event: SessionEvent, isKind: (event: SessionEvent) => boolean) {
  const first = life.find(({ event: one }) => isKind(one));
  return first === undefined || first.event.eventId === event.eventId;
}
