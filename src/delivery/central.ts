/** Owns one exchange with another record: a batch is written, packed, signed and sent, and its answer is read. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { SecureAnswer, SecureClient } from "../host/secure-client.ts";
import { parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { BootClock } from "../tracker/event.ts";
import { batchFormat, largestSentBytes } from "../wire/batch.ts";
import { type BatchVerdict, readBatchAnswer } from "../wire/batch-answer.ts";
import type { SentPiece } from "./outbox.ts";

/** What is said of the sender with each batch. */
export interface Sender {
  readonly program: string;
  readonly boot: BootClock | null;
}

export interface ExchangeOptions {
  /** The clock of this machine, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** What is added to it to get the other's. */
  readonly clockOffsetMs: number;
  /** For all of it, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export interface Central {
  /** Never throws for what the other side does: no answer is `busy`. */
  exchange(piece: SentPiece, sender: Sender, options: ExchangeOptions): Promise<BatchVerdict>;
  close(): void;
}

/** @returns the token for a body, as it is sent */
export type SignToken = (body: Uint8Array, nowMs: number) => string;

/** So small a body is not worth packing. */
const leastPackedBytes = 1_024;
/** The fastest: it is sent once, and most of it is the same words again and again. */
const level = 1;
const pack = promisify<Uint8Array, { level: number }, Buffer>(gzip);

export function createCentral(client: Pick<SecureClient, "send" | "close">, sign: SignToken): Central {
  return {
    async exchange(piece, sender, { nowMs, clockOffsetMs, deadlineMs, signal }) {
      const plain = Buffer.from(toBody(piece, sender, nowMs));
      const isPacked = plain.length >= leastPackedBytes;
      const body = isPacked ? await pack(plain, { level }) : plain;
      if (body.length > largestSentBytes) return { kind: "too_large" };
      const headers = {
        Authorization: `Bearer ${sign(body, nowMs + clockOffsetMs)}`,
        "Content-Type": "application/json",
        ...(isPacked ? { "Content-Encoding": "gzip" } : {}),
      };
      try {
        const answer = await client.send({ path: "/v1/events", method: "POST", headers, body, deadlineMs, signal });
        return readBatchAnswer(toRaw(answer), positionsOf(piece));
      } catch (error) {
        if (!(error instanceof SessionBuddyError)) throw error;
        return { kind: "busy", retryAfterMs: null, error: error.message };
      }
    },
    close: () => client.close(),
  };
}

/** The events are JSON already. */
function toBody({ stream, after, upto, last, lost, events }: SentPiece, { program, boot }: Sender, nowMs: number) {
  const head = JSON.stringify({
    format: batchFormat,
    ...{ stream, after, upto, last },
    sent_at: new Date(nowMs).toISOString(),
    boot: boot === null ? null : { id: boot.bootId, ms: Math.floor(boot.ms) },
    program,
    lost: lost.map(({ from, to, events: count, why }) => ({ from, to, events: count, why })),
  });
  return `${head.slice(0, -1)},"events":[${events.map(({ json }) => json).join(",")}]}`;
}

function positionsOf({ stream, after, upto, events }: SentPiece) {
  return { stream, after, upto, events: new Map(events.map(({ eventId, seq }) => [eventId, seq])) };
}

function toRaw({ status, headers, body }: SecureAnswer) {
  return { status, retryAfter: headers["retry-after"] ?? null, date: headers.date ?? null, body: jsonOf(body) };
}

function jsonOf(body: Buffer): unknown {
  try {
    return parseJson(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
