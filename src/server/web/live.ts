/** Owns the live stream of `/v1/live` as server-sent events: its form, how many there may be, and when one ends. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LiveMessage, LiveStart, LiveStream, OpenLive } from "../../app/live.ts";
import { failureCodeOf, questionError } from "../../wire/result.ts";
import { addressOf } from "../http/caller.ts";
import { network } from "../http/limits.ts";
import { sendRefusal, sendWait, statusOf } from "../http/respond.ts";

export interface LiveLimits {
  /** Streams at once. */
  readonly streams: number;
  /** Of one holder of a token, or of one address where no token is needed. */
  readonly streamsPerHolder: number;
  /** How often a comment is sent, so that nobody on the way takes the stream for dead, in milliseconds. */
  readonly commentMs: number;
  /** How long a reader may take what was sent before the stream is given up, in milliseconds. */
  readonly slowMs: number;
}

export const usualLiveLimits: LiveLimits = {
  streams: 64,
  streamsPerHolder: 16,
  commentMs: 20_000,
  slowMs: 60_000,
};

export interface LiveRequest {
  readonly query: string;
  readonly token: string;
  /** Told when the gate refuses. */
  readonly onRefused: () => void;
}

export interface LiveStreams {
  handle(request: IncomingMessage, response: ServerResponse, asked: LiveRequest): Promise<void>;
  /** Ends every stream. */
  close(): void;
}

export function createLiveStreams(open: OpenLive, limits = usualLiveLimits): LiveStreams {
  const holders = new Map<string, number>();
  const stops = new Set<AbortController>();
  let isClosed = false;

  const run = async (response: ServerResponse, stream: LiveStream, start: LiveStart): Promise<void> => {
    const stop = new AbortController();
    const end = () => stop.abort();
    stops.add(stop);
    response.once("close", end);
    const comment = setInterval(() => response.write(":\n\n"), limits.commentMs);
    const expiry = stream.expiresAtMs === null ? undefined : setTimeout(end, untilMs(stream.expiresAtMs));
    try {
      for await (const message of stream.messages(start, stop.signal)) {
        if (!(await sent(response, message, AbortSignal.any([stop.signal, AbortSignal.timeout(limits.slowMs)])))) break;
      }
      response.end();
    } finally {
      clearInterval(comment);
      clearTimeout(expiry);
      stops.delete(stop);
    }
  };

  return {
    async handle(request, response, { query, token, onRefused }) {
      const start = startOf(request, query);
      if (start === undefined) return sendRefusal(response, 400, "from: Input should be a position of the log");
      let stream: LiveStream;
      try {
        stream = await open(token);
      } catch (error) {
        const failure = failureCodeOf(error);
        if (failure.startsWith("auth.")) onRefused();
        return sendRefusal(response, statusOf(failure), questionError(error));
      }
      const holder = stream.holder ?? network(addressOf(request));
      const own = holders.get(holder) ?? 0;
      if (isClosed || stops.size >= limits.streams || own >= limits.streamsPerHolder) {
        return sendWait(response, 503, 60, "No more live streams are allowed");
      }
      response.writeHead(200, {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
      });
      if (request.method === "HEAD") return void response.end();
      response.flushHeaders();
      holders.set(holder, own + 1);
      try {
        await run(response, stream, start);
      } finally {
        const left = (holders.get(holder) ?? 1) - 1;
        if (left === 0) holders.delete(holder);
        else holders.set(holder, left);
      }
    },
    close() {
      isClosed = true;
      for (const stop of stops) stop.abort();
    },
  };
}

/** The longest time that a timer takes. */
const longestTimerMs = 2 ** 31 - 1;

function untilMs(timeMs: number): number {
  return Math.min(longestTimerMs, Math.max(0, timeMs - Date.now()));
}

const placePattern = /^([\w-]{1,100}):(\d{1,15})$/;

/** A browser takes a stream up again by the header; its first request can have a position alone. */
function startOf({ headers }: IncomingMessage, query: string): LiveStart | undefined {
  const [, logId, position] = placePattern.exec(String(headers["last-event-id"] ?? "")) ?? [];
  if (logId !== undefined) return { logId, position: Number(position) };
  const from = new URLSearchParams(query).get("from");
  if (from === null) return null;
  return /^\d{1,15}$/.test(from) ? { logId: null, position: Number(from) } : undefined;
}

/** @returns false when nobody reads any more */
async function sent(response: ServerResponse, { kind, place, data }: LiveMessage, stop: AbortSignal): Promise<boolean> {
  if (response.destroyed) return false;
  const text = `event: ${kind}\nid: ${place.logId}:${place.position}\ndata: ${JSON.stringify(data)}\n\n`;
  if (response.write(text)) return true;
  try {
    await once(response, "drain", { signal: stop });
    return true;
  } catch {
    response.destroy();
    return false;
  }
}
