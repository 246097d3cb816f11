/** Owns following the record of a service: its stream of server-sent events becomes news, and is taken up again. */
import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readLogRow } from "../wire/read-answer.ts";
import type { News } from "./follow.ts";
import type { ServiceClient } from "./service-client.ts";

/** A look at what has come, as with a store of one's own. */
const lookMs = 500;
const retryMs = 1_000;
const longestMessage = 4 * 1024 * 1024;

interface Place {
  logId: string;
  position: number;
}

/** What came and was not told yet. */
interface Inbox {
  rows: News["events"][number][];
  place: Place | null;
  /** Why nothing can be heard now; null while it can. */
  away: string | null;
  /** Why nothing more will come; null while it may. */
  failure: unknown;
  isOver: boolean;
}

export interface FollowServiceOptions {
  readonly stop: AbortSignal;
  /** How long a service that was heard once is waited for, in milliseconds; for ever by default. */
  readonly patienceMs?: number | undefined;
}

/** @param position - what comes after it is new; null for the end of the log */
export async function* followService(
  client: ServiceClient,
  position: number | null,
  { stop, patienceMs = Number.POSITIVE_INFINITY }: FollowServiceOptions,
): AsyncGenerator<News, void> {
  const inbox: Inbox = { rows: [], place: null, away: null, failure: null, isOver: false };
  const reading = read(client, position, inbox, { stop, patienceMs }).finally(() => {
    inbox.isOver = true;
  });
  while (!stop.aborted) {
    const { rows, place, away } = inbox;
    inbox.rows = [];
    if (place !== null) yield { events: rows, ...place, ...(away === null ? {} : { away }) };
    if (inbox.isOver) break;
    await pause(lookMs, undefined, { signal: stop }).catch(() => {});
  }
  await reading;
  if (inbox.failure !== null && !stop.aborted) throw inbox.failure;
}

async function read(
  client: ServiceClient,
  position: number | null,
  inbox: Inbox,
  { stop, patienceMs }: Required<FollowServiceOptions> & { readonly patienceMs: number },
): Promise<void> {
  let lastHeardMs = performance.now();
  while (!stop.aborted) {
    const { place } = inbox;
    const lastId = place === null ? null : `${place.logId}:${place.position}`;
    try {
      const response = await client.stream(position === null ? "live" : `live?from=${position}`, lastId, stop);
      inbox.away = null;
      await readStream(response, inbox);
      lastHeardMs = performance.now();
    } catch (error) {
      if (stop.aborted) return;
      inbox.failure = error;
      // What never answered, or answers nonsense, is not waited for.
      if (inbox.place === null || !isAway(error) || performance.now() - lastHeardMs > patienceMs) return;
      inbox.away = (error as Error).message;
    }
    await pause(retryMs, undefined, { signal: stop }).catch(() => {});
  }
}

/** Whether a service may answer again, where it did before. */
export function isAway(error: unknown): error is SessionBuddyError {
  return error instanceof SessionBuddyError && error.code === "network" && error.cause !== undefined;
}

/** Reads to the end of the stream, as a service that stops or a token that ends brings it. */
async function readStream(response: IncomingMessage, inbox: Inbox): Promise<void> {
  let text = "";
  response.setEncoding("utf8");
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      text += chunk;
      if (text.length > longestMessage) throw unreadable("a message is too large");
      const messages = text.split("\n\n");
      text = messages.pop() ?? "";
      for (const message of messages) take(message, inbox);
    }
  } catch (error) {
    if (error instanceof SessionBuddyError) throw error;
    // Cut in the middle: it is taken up again behind the last whole message.
  }
}

function take(message: string, inbox: Inbox): void {
  const fields = new Map(
    message.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const;
    }),
  );
  const kind = fields.get("event");
  if (kind === undefined) return;
  const [, logId, position] = /^([\w-]{1,100}):(\d{1,15})$/.exec(fields.get("id") ?? "") ?? [];
  if (logId === undefined) throw unreadable("a message has no place in the log");
  if (kind === "record") inbox.rows.push(readLogRow(dataOf(fields.get("data") ?? "")));
  inbox.place = { logId, position: Number(position) };
}

function dataOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw unreadable("a message is not JSON");
  }
}

function unreadable(words: string): SessionBuddyError {
  return new SessionBuddyError("network", `the stream of the record cannot be read: ${words}`);
}
