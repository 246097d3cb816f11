/** Owns a live stream of the record: what is told on it, from which place of the log on, and until when. */
import { callerOf, type Gate } from "../auth/gate.ts";
import { readableBy } from "../auth/scope.ts";
import { formatInstant, instantFromMs } from "../tracker/instant.ts";
import type { LogRow } from "../wire/view.ts";
import type { News } from "./follow.ts";
import type { OwnQuestions } from "./questions.ts";
import { scoped } from "./scoped.ts";

/** A place in a log, by which a stream is taken up again. */
export interface LogPlace {
  readonly logId: string;
  /** What comes after it has not been told. */
  readonly position: number;
}

/**
 * - `hello`: the first message, with the place from which the stream goes on
 * - `record`: an event that came on record
 * - `resync`: the log is another one than before; what was told may not be on record, and is to be asked anew
 */
export type LiveMessage =
  | { readonly kind: "hello" | "resync"; readonly place: LogPlace; readonly data: { readonly as_of: string } }
  | { readonly kind: "record"; readonly place: LogPlace; readonly data: LogRow };

/** Where a stream begins: at a place of a log, behind a position of whatever log there is, or at its end. */
export type LiveStart = LogPlace | { readonly logId: null; readonly position: number } | null;

export interface LiveStream {
  /** Whose token it was opened with; null where no token is needed. */
  readonly holder: string | null;
  /** When that token ends, in milliseconds since the epoch; null where no token is needed. */
  readonly expiresAtMs: number | null;
  messages(start: LiveStart, stop: AbortSignal): AsyncGenerator<LiveMessage, void>;
}

/** @throws SessionBuddyError `auth.*` */
export type OpenLive = (token: unknown) => Promise<LiveStream>;

export function createLive(questions: OwnQuestions, gate: Gate | null): OpenLive {
  return async (token) => {
    const caller = await callerOf(gate, { token });
    const visible = scoped(questions, readableBy(caller));
    return {
      holder: caller?.userId ?? null,
      expiresAtMs: caller?.expiresAtMs ?? null,
      async *messages(start, stop) {
        const logId = await questions.logId();
        const isOther = start !== null && start.logId !== null && start.logId !== logId;
        const from = isOther || start === null ? null : start.position;
        yield* messagesOf(visible.follow(from, stop), { logId, from, first: isOther ? "resync" : "hello" });
      },
    };
  };
}

interface Beginning {
  readonly logId: string;
  /** Null for the end of the log. */
  readonly from: number | null;
  readonly first: "hello" | "resync";
}

async function* messagesOf(
  news: AsyncGenerator<News>,
  { logId: expected, from, first }: Beginning,
): AsyncGenerator<LiveMessage, void> {
  let known = expected;
  let isBegun = false;
  for await (const { events, logId, position } of news) {
    if (!isBegun) yield { kind: first, place: { logId: expected, position: from ?? position }, data: asOfNow() };
    isBegun = true;
    if (logId !== known) yield { kind: "resync", place: { logId, position }, data: asOfNow() };
    known = logId;
    for (const row of events) yield { kind: "record", place: { logId, position: row.seq }, data: row };
  }
}

function asOfNow(): { readonly as_of: string } {
  return { as_of: formatInstant(instantFromMs(Date.now())) };
}
