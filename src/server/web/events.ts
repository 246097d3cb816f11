/** Owns `POST /v1/events` and `GET /v1/events/position`: who may deliver, how much, and the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Receive, Received } from "../../app/receive.ts";
import { createTurns, type TurnLimits } from "../../app/turns.ts";
import { type HostCaller, type HostGate, type HostRefusal, hostRefusals } from "../../auth/host-caller.ts";
import { type Log, logFailure } from "../../log.ts";
import { largestInflatedBytes, largestSentBytes } from "../../wire/batch.ts";
import { uuidIssue } from "../../wire/event-form.ts";
import { failureCodeOf, questionError } from "../../wire/result.ts";
import { hasTooManyElements, parseBody, readBody } from "../http/body.ts";
import { bearerOf } from "../http/caller.ts";
import { createLimit } from "../http/limits.ts";
import { sendAnswer, statusOf, tooManyRefusals } from "../http/respond.ts";
import { audienceOf } from "../http/target.ts";

/** Counts that no host was known by a token. @returns how many seconds its sender is to wait, where there were too many */
export type CountRefusal = () => Promise<number | null>;

export interface EventsEntrance {
  deliver(request: IncomingMessage, response: ServerResponse, onRefused: CountRefusal): Promise<void>;
  position(request: IncomingMessage, response: ServerResponse, query: string, onRefused: CountRefusal): Promise<void>;
}

export interface EventsOptions {
  readonly receive: Receive;
  readonly gate: HostGate;
  readonly log: Log;
  /** The address that hosts were enrolled with; null where it is the one that they ask for. */
  readonly publicUrl: string | null;
  /** Requests of one host in a minute; 600 by default. */
  readonly most?: number;
}

const requestsPerMinute = 600;
/** Keys, values and items: 500 events with a hundred each, and as much again. */
const mostElements = 100_000;
/** How soon a host may try again what the store could not do, in seconds. */
const storeWaitSeconds = 5;

/**
 * What is written together is held back together: a few batches fill a transaction, and more of them would only keep the
 * starts of shells here, and each other, waiting. Bodies wait as they came, most of them zipped.
 */
export const deliveryTurns: TurnLimits = { running: 4, waitingSize: 64 * 1024 * 1024 };

const inflate = promisify(gunzip);

/** An answer of the wire: the code is what a host decides by, the sentence is for people. */
interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly error: string;
}

export function createEventsEntrance(options: EventsOptions): EventsEntrance {
  const { receive, log, most = requestsPerMinute } = options;
  const requests = createLimit(most, 60);
  const turns = createTurns(deliveryTurns);
  const served: Serve = async (request, response, onRefused, serve) => {
    try {
      const body = request.method === "POST" ? await readBody(request, largestSentBytes) : Buffer.alloc(0);
      if (body === "gone") return;
      if (body === "too large") return sendCode(response, tooLarge);
      const caller = await options.gate(bearerOf(request), { body, audience: audienceOf(request, options.publicUrl) });
      const waitSeconds = await requests.take(caller.originId);
      if (waitSeconds !== null) return sendLater(response, 429, waitSeconds, "Too many deliveries");
      await serve(caller, body);
    } catch (error) {
      await sendFailure(response, error, { log, onRefused });
    }
  };
  return {
    deliver: (request, response, onRefused) =>
      served(request, response, onRefused, async (caller, body) => {
        const take = async () => {
          const read = await readBatch(body, request.headers["content-encoding"]);
          return "refusal" in read ? read : receive.take(caller, read.value);
        };
        const taken = await turns.run(body.length, take);
        if ("refusal" in taken) sendCode(response, taken.refusal);
        else sendReceived(response, taken);
      }),
    position: (request, response, query, onRefused) =>
      served(request, response, onRefused, async (caller) => {
        const stream = new URLSearchParams(query).get("stream") ?? "";
        const issue = uuidIssue("stream")(stream);
        if (issue !== null) return sendCode(response, { status: 422, code: "invalid", error: issue });
        sendAnswer(response, 200, { status: "ok", error: null, acked: await receive.position(caller, stream) });
      }),
  };
}

type Serve = (
  request: IncomingMessage,
  response: ServerResponse,
  onRefused: CountRefusal,
  serve: (caller: HostCaller, body: Buffer) => Promise<void>,
) => Promise<void>;

const tooLarge: Refusal = {
  status: 413,
  code: "too_large",
  error: `A batch has at most ${largestSentBytes} bytes as it is sent, and ${largestInflatedBytes} inflated`,
};

/** @returns what a batch says, or why it cannot be read; a body that was let in, so that this costs nobody else's time */
async function readBatch(
  body: Buffer,
  encoding: string | undefined,
): Promise<{ readonly value: unknown } | { readonly refusal: Refusal }> {
  const inflated = await inflatedBody(body, encoding?.toLowerCase() ?? "identity");
  if ("refusal" in inflated) return inflated;
  if (hasTooManyElements(inflated.bytes, mostElements)) return { refusal: tooLarge };
  const value = parseBody(inflated.bytes);
  if (value === undefined) return { refusal: unreadable("The body is not JSON") };
  return { value };
}

async function inflatedBody(
  body: Buffer,
  encoding: string,
): Promise<{ readonly bytes: Buffer } | { readonly refusal: Refusal }> {
  if (encoding === "identity") return { bytes: body };
  if (encoding !== "gzip")
    return { refusal: { status: 415, code: "invalid", error: "Content-Encoding is gzip, or none" } };
  try {
    return { bytes: await inflate(body, { maxOutputLength: largestInflatedBytes }) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { refusal: code === "ERR_BUFFER_TOO_LARGE" ? tooLarge : unreadable("The body is not gzip") };
  }
}

function unreadable(error: string): Refusal {
  return { status: 422, code: "invalid", error };
}

function sendReceived(response: ServerResponse, received: Received): void {
  if (received.outcome === "taken") sendAnswer(response, 200, { status: "ok", error: null, ...received.answer });
  else if (received.outcome === "new_stream") sendCode(response, newStream);
  else {
    const { acked } = received;
    const error = `What lies behind position ${acked} has not arrived`;
    sendAnswer(response, 409, { status: "error", error, code: "gap", acked });
  }
}

const newStream: Refusal = {
  status: 409,
  code: "new_stream",
  error: "More of this log has arrived than it has; it is another log, and needs another name",
};

async function sendFailure(
  response: ServerResponse,
  error: unknown,
  { log, onRefused }: { readonly log: Log; readonly onRefused: CountRefusal },
): Promise<void> {
  const code = hostRefusalOf(error);
  const failure = failureCodeOf(error);
  const words = questionError(error);
  if (code === "unknown_host") {
    const waitSeconds = await onRefused();
    // Whoever sends them by the thousand could fill the log.
    if (waitSeconds !== null) return sendLater(response, 429, waitSeconds, tooManyRefusals);
  }
  if (code !== null) {
    logFailure(log, "Delivery refused", error);
    sendCode(response, { status: code === "revoked" ? 403 : 401, code, error: refusalWords[code] });
  } else if (failure === "invalid") {
    sendCode(response, { status: 422, code: "invalid", error: words });
  } else {
    logFailure(log, "Delivery failed", error);
    if (failure.startsWith("storage.")) sendLater(response, 503, storeWaitSeconds, words);
    else sendCode(response, { status: statusOf(failure), code: "internal", error: words });
  }
}

const refusalWords: Readonly<Record<HostRefusal, string>> = {
  unknown_host: "No host is enrolled here with this key",
  clock: "The token is of another time; set the clock of the host",
  revoked: "This host was revoked",
};

function hostRefusalOf(error: unknown): HostRefusal | null {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return hostRefusals.find((one) => one === code) ?? null;
}

function sendCode(response: ServerResponse, { status, code, error }: Refusal): void {
  sendAnswer(response, status, { status: "error", error, code });
}

function sendLater(response: ServerResponse, status: 429 | 503, waitSeconds: number, what: string): void {
  response.setHeader("Retry-After", String(waitSeconds));
  sendCode(response, { status, code: "later", error: `${what}; try again in ${waitSeconds} s` });
}
