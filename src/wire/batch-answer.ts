/**
 * Owns reading what another record answers to a batch of events. Whoever answers may be anybody who has taken its place,
 * so that nothing is believed that does not fit what was sent. Part of the pure core.
 */
import { isObject } from "../tracker/canonical.ts";
import type { RefusedEvent } from "../tracker/outbox.ts";
import type { BatchAnswer } from "./batch.ts";

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  /** `Retry-After` and `Date` of the head (RFC 9110, sections 10.2.3 and 6.6.1); null where they are missing. */
  readonly retryAfter: string | null;
  readonly date: string | null;
  /** The body as JSON; undefined where it is none. */
  readonly body: unknown;
}

/** What an answer is held against. */
export interface SentPositions {
  readonly stream: string;
  readonly after: number;
  readonly upto: number;
  /** By event id, the position of each event that was sent. */
  readonly events: ReadonlyMap<string, number>;
}

/** What is to be done after an answer. */
export type BatchVerdict =
  | {
      readonly kind: "taken";
      /** Never above what was sent. */
      readonly acked: number;
      readonly stored: number;
      readonly known: number;
      readonly refused: readonly RefusedEvent[];
      readonly skewMs: number | null;
    }
  /** The other record has less than was sent before. */
  | { readonly kind: "gap"; readonly acked: number }
  /** It has more than this record ever had: the log is to get another name. */
  | { readonly kind: "new_stream" }
  | { readonly kind: "too_large" }
  /** The token was not valid at that time of the other's clock. */
  | { readonly kind: "clock"; readonly serverTimeMs: number | null }
  /** Nothing is taken until somebody has done something about it. */
  | { readonly kind: "refused"; readonly error: string }
  /** Not now. */
  | { readonly kind: "busy"; readonly retryAfterMs: number | null; readonly error: string };

/** @returns what the answer means; one that cannot be read is as good as none */
export function readBatchAnswer(answer: RawAnswer, sent: SentPositions): BatchVerdict {
  const { status } = answer;
  const body = isObject(answer.body) ? answer.body : {};
  if (status === 200) return readTaken(body, sent) ?? unreadable(answer);
  if (status === 409) return readConflict(body, sent) ?? unreadable(answer);
  if (status === 413) return { kind: "too_large" };
  if (status === 401 && body.code === "clock") return { kind: "clock", serverTimeMs: timeOf(answer.date) };
  if (isFinal(status)) return { kind: "refused", error: refusalOf(status, body) };
  return { kind: "busy", retryAfterMs: readRetryAfter(answer), error: busyWords(status, body) };
}

function readTaken(body: Readonly<Record<string, unknown>>, sent: SentPositions): BatchVerdict | null {
  const {
    stream,
    acked,
    stored,
    known,
    refused,
    skew_ms: skewMs = null,
  } = body as Partial<Record<keyof BatchAnswer, unknown>>;
  if (stream !== sent.stream || !isPosition(acked) || !isPosition(stored) || !isPosition(known)) return null;
  const list = Array.isArray(refused) ? refused : [];
  return {
    kind: "taken",
    acked: Math.min(acked, sent.upto),
    stored,
    known,
    refused: list.flatMap((one) => readRefused(one, sent)),
    skewMs: Number.isSafeInteger(skewMs) ? (skewMs as number) : null,
  };
}

/** What was not sent cannot be refused. */
function readRefused(value: unknown, { events }: SentPositions): RefusedEvent[] {
  if (!isObject(value)) return [];
  const { event_id: eventId, code, error } = value;
  if (typeof eventId !== "string") return [];
  const seq = events.get(eventId);
  if (seq === undefined) return [];
  return [{ seq, eventId, code: textOr(code, "refused", longestCode), error: textOr(error, "", longestSentence) }];
}

function readConflict(body: Readonly<Record<string, unknown>>, sent: SentPositions): BatchVerdict | null {
  if (body.code === "new_stream") return { kind: "new_stream" };
  // It only ever says that it has less: whoever says that it has more has another log in mind.
  if (body.code !== "gap" || !isPosition(body.acked) || body.acked >= sent.after) return null;
  return { kind: "gap", acked: body.acked };
}

function unreadable({ status }: RawAnswer): BatchVerdict {
  return { kind: "busy", retryAfterMs: null, error: `it gave an answer (${status}) that is not of this protocol` };
}

/** What does not change by itself. A record of an earlier version has no such path. */
function isFinal(status: number): boolean {
  return [400, 401, 403, 404, 405, 422].includes(status) || (status >= 300 && status < 400);
}

const remedies: Readonly<Record<string, string>> = {
  unknown_host:
    "it does not know the key of this record; enroll anew with an invitation ('session-buddy host invite' over there)",
  revoked: "it has revoked the key of this record; ask its administrator",
};

function refusalOf(status: number, { code, error }: Readonly<Record<string, unknown>>): string {
  const known = typeof code === "string" && Object.hasOwn(remedies, code) ? remedies[code] : undefined;
  if (known !== undefined) return known;
  if (status === 404 || status === 405)
    return "it takes no events; it may be of an earlier version, or be reached by another address";
  if (status >= 300 && status < 400)
    return `it sends elsewhere (${status}), which is not followed; enroll its own address`;
  return `it refuses (${status}): ${textOr(error, "it gave no reason", longestSentence)}`;
}

function busyWords(status: number, { error }: Readonly<Record<string, unknown>>): string {
  const words = status === 429 ? "it has too much to do" : `it failed (${status})`;
  const reason = textOr(error, "", longestSentence);
  return reason === "" ? words : `${words}: ${reason}`;
}

const msPerSecond = 1000;

/** @returns milliseconds; a date is compared with the clock of whoever gave it */
function readRetryAfter({ retryAfter, date }: RawAnswer): number | null {
  if (retryAfter === null) return null;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * msPerSecond;
  const [untilMs, nowMs] = [timeOf(retryAfter), timeOf(date)];
  return untilMs === null || nowMs === null ? null : Math.max(0, untilMs - nowMs);
}

function timeOf(date: string | null): number | null {
  const ms = date === null ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? null : ms;
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const longestCode = 40;
const longestSentence = 500;

/** Where it is kept, a text has no NUL. */
function textOr(value: unknown, otherwise: string, longest: number): string {
  if (typeof value !== "string" || value === "") return otherwise;
  return value.slice(0, longest).toWellFormed().replaceAll("\0", "\uFFFD");
}
