/** Owns asking a service over HTTP, whatever carries it there: a token, the form of answers, and what is said when that fails. */
import type { IncomingMessage } from "node:http";
import { parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readOutcome } from "../wire/read-answer.ts";

export interface ServiceClient {
  /**
   * Asks one question.
   *
   * @param path - below `/v1/`, with its query
   * @param read - makes of the answer what was asked for; throws when it is not in its form
   * @returns null when what was asked for is not on record
   * @throws SessionBuddyError `network` when the service does not answer, or not in its form; `invalid` when it refuses
   *   the question; `auth.*` when it refuses the token
   */
  ask<T>(path: string, read: (answer: unknown) => T): Promise<T | null>;
  /**
   * Sends something to be recorded.
   *
   * @throws SessionBuddyError as {@link ServiceClient.ask}
   */
  send(path: string, body: unknown): Promise<unknown>;
  /** Opens a stream. @param lastId - where the one before ended; null for none */
  stream(path: string, lastId: string | null, stop: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

/** How one service is reached, and how its failures are told. */
export interface ServiceLink {
  /** As a person calls it: `the record of this machine`. */
  readonly name: string;
  /** @throws SessionBuddyError `network`, with its cause, when it does not answer */
  open(asked: ServiceRequest): Promise<IncomingMessage>;
  /** @returns what shows who asks; null where nothing is sent */
  token(): Promise<string | null>;
  /** @param words - of the service, shortened. @param status - of HTTP */
  refusal(status: number, words: string): SessionBuddyError;
  /** What to do about a service that does not know this question, or whose answer this program does not know. */
  readonly otherVersion: string;
  close(): void;
}

export interface ServiceRequest {
  /** With `/v1/` and its query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** A page has 200 rows at most, a session few events; what is larger is no answer. */
export const largestAnswerBytes = 64 * 1024 * 1024;
/** Between two pieces of an answer; a stream has a comment every 20 s. */
export const silenceMs = 60_000;
const longestSentence = 500;
const notFound = 404;
const unauthorized = 401;
const json = { "Content-Type": "application/json" };

export function createServiceClient(link: ServiceLink): ServiceClient {
  let token: string | null | undefined;

  /** A token may have ended, or the service have been started again, since the last question. */
  const opened = async (asked: ServiceRequest): Promise<IncomingMessage> => {
    const isFresh = token === undefined;
    if (token === undefined) token = await link.token();
    const authorization = token === null ? {} : { Authorization: `Bearer ${token}` };
    const headers = { Accept: "application/json, text/event-stream", ...asked.headers, ...authorization };
    const response = await link.open({ ...asked, headers });
    if (response.statusCode !== unauthorized || isFresh) return response;
    response.resume();
    token = undefined;
    return opened(asked);
  };
  const outcomeOf = async (response: IncomingMessage): Promise<unknown> => {
    const answer = await readAnswer(response, link);
    const { status, error } = read(() => readOutcome({ error: null, ...(answer as object) }), link);
    if (response.statusCode === notFound && status === "not_found") return null;
    if (response.statusCode === notFound) throw ofOtherVersion(link);
    if (response.statusCode === 200 && status === "ok") return answer;
    throw refusalOf(response, error, link);
  };

  return {
    async ask(path, readAs) {
      const answer = await outcomeOf(await opened({ path: `/v1/${path}`, method: "GET", headers: {} }));
      return answer === null ? null : read(() => readAs(answer), link);
    },
    async send(path, body) {
      const asked = { path: `/v1/${path}`, method: "POST", headers: json, body: JSON.stringify(body) };
      return outcomeOf(await opened(asked));
    },
    async stream(path, lastId, signal) {
      const headers: Record<string, string> = lastId === null ? {} : { "Last-Event-ID": lastId };
      const response = await opened({ path: `/v1/${path}`, method: "GET", headers, signal });
      const isStream = response.headers["content-type"]?.startsWith("text/event-stream");
      if (response.statusCode === 200 && isStream) return response;
      await outcomeOf(response);
      throw new SessionBuddyError(
        "network",
        `${link.name}: the answer has an unexpected form, it is no stream; ${link.otherVersion}`,
      );
    },
    close: () => link.close(),
  };
}

/** Reads what is to have a form of ours. */
function read<T>(readAs: () => T, { name, otherVersion }: ServiceLink): T {
  try {
    return readAs();
  } catch (error) {
    if (!(error instanceof SessionBuddyError)) throw error;
    throw new SessionBuddyError(error.code, `${name}: ${error.message}; ${otherVersion}`);
  }
}

function ofOtherVersion({ name, otherVersion }: ServiceLink): SessionBuddyError {
  return new SessionBuddyError(
    "network",
    `${name} is of an earlier version, which does not know this; ${otherVersion}`,
  );
}

/** The sentence of the service, which another program may have written: it is shortened here, and escaped where it is printed. */
function refusalOf({ statusCode = 0 }: IncomingMessage, error: string | null, link: ServiceLink): SessionBuddyError {
  return link.refusal(statusCode, (error ?? `it gave no reason (status ${statusCode})`).slice(0, longestSentence));
}

/** @throws SessionBuddyError `network` when it is cut, too large, or no JSON; what the link says to a refusal in another form */
export async function readAnswer(response: IncomingMessage, link: ServiceLink): Promise<unknown> {
  const { statusCode = 0, headers } = response;
  const text = await readText(response, link.name);
  if (statusCode >= 300 && statusCode < 400) {
    const place = String(headers.location ?? "another address").slice(0, longestSentence);
    throw new SessionBuddyError("network", `${link.name} sends to ${place}; if you trust that, ask it there`);
  }
  try {
    return parseJson(text);
  } catch {
    if (statusCode === 200 || statusCode === notFound) throw ofNoService(link.name);
    throw refusalOf(response, null, link);
  }
}

function ofNoService(name: string): SessionBuddyError {
  return new SessionBuddyError(
    "network",
    `the answer of ${name} cannot be read: it is not JSON; the address must be the one of a session-buddy server`,
  );
}

async function readText(response: IncomingMessage, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > largestAnswerBytes) throw new Error("it is too large");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length).toString("utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const words = code === "ECONNRESET" ? "the connection was cut" : message;
    throw new SessionBuddyError("network", `the answer of ${name} cannot be read: ${words}`, { cause: error });
  }
}
