/** A host that delivers, as far as the centre sees it: its log, its batches, and what it is let in as. */
import { randomUUID } from "node:crypto";
import type { HostCaller } from "../../src/auth/host-caller.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { batchFormat, toSentEvent } from "../../src/wire/batch.ts";

export const anyHost: HostCaller = { originId: "key-1", name: "web-01", username: null };
export const otherHost: HostCaller = { originId: "key-2", name: "web-02", username: null };

export type Sent = Readonly<Record<string, unknown>>;

/** The log of one host: events in the order of their positions, from 1 on. */
export interface HostLog {
  readonly stream: string;
  /** Everything behind `after` up to `upto`, as JSON; all of it by default. */
  batch(after?: number, upto?: number, changes?: Sent): Sent;
}

/** @param events - each with its session's id at the host; ends name the start of the same session before them */
export function hostLog(events: readonly SessionEvent[], stream: string = randomUUID()): HostLog {
  const starts = new Map<string, string>();
  const sent = events.map((event, at) => {
    if (event.kind === "start") starts.set(event.sessionId, event.eventId);
    const named = event.kind === "start" ? null : (starts.get(event.sessionId) ?? randomUUID());
    return toSentEvent({ seq: at + 1, event }, named);
  });
  return {
    stream,
    batch(after = 0, upto = sent.length, changes = {}) {
      const batch = batchOf({ stream, after, upto, last: sent.length, events: sent.slice(after, upto), ...changes });
      return JSON.parse(JSON.stringify(batch));
    },
  };
}

/** A batch that keeps every rule, with some of it changed. */
export function batchOf(changes: Sent): Sent {
  return {
    format: batchFormat,
    stream: randomUUID(),
    ...{ after: 0, upto: 0, last: 0 },
    sent_at: "2026-02-06T12:00:00Z",
    boot: { id: "boot-1", ms: 1_000 },
    program: "0.2.0",
    events: [],
    ...changes,
  };
}
