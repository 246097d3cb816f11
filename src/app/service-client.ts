/** Owns talking to the service of this machine: HTTP over its Unix socket, a login, and what is said when that fails. */
import { Agent, type IncomingMessage, request } from "node:http";
import type { MachinePlace } from "../config/machine-place.ts";
import { makeLoginSecret } from "../host/login-secret.ts";
import { follow } from "../host/trusted-path.ts";
import { parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readLogin, readOutcome } from "../wire/read-answer.ts";

export interface ServiceClient {
  /**
   * Asks one question.
   *
   * @param path - below `/v1/`, with its query
   * @returns the answer; null when what was asked for is not on record
   * @throws SessionBuddyError `network` when the service does not answer, or not in its form; `invalid` when it refuses
   *   the question
   */
  ask(path: string): Promise<unknown>;
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

/** A page has 200 rows at most, a session few events; what is larger is no answer. */
const largestAnswerBytes = 64 * 1024 * 1024;
const longestSentence = 500;
/** Between two pieces of an answer; a stream has a comment every 20 s. */
const silenceMs = 60_000;
const notFound = 404;
const unauthorized = 401;

/** @param wayRound - what can be done without the service, for messages */
export function createServiceClient(place: MachinePlace, wayRound = askOwn): ServiceClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let token: string | null = null;

  const send = (path: string, options: Sent, stop?: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method = "GET", body, headers = {} } = options;
      const sent = request({
        socketPath: place.socket,
        path: `/v1/${path}`,
        method,
        agent,
        headers: { Host: "localhost", Accept: "application/json, text/event-stream", ...headers },
        ...(stop === undefined ? {} : { signal: stop }),
      });
      sent.setTimeout(silenceMs, () => sent.destroy(new Error(`nothing came for ${silenceMs / 1000} s`)));
      sent.once("response", resolve);
      sent.once("error", (error) => reject(unanswered(place, error, wayRound)));
      sent.end(body);
    });

  const logIn = async (): Promise<string> => {
    requireSocketOfService(place, wayRound);
    const { file, secret, remove } = secretIn(place.spool, wayRound);
    try {
      const body = JSON.stringify({ file, secret });
      const response = await send("login", { method: "POST", body, headers: { "Content-Type": "application/json" } });
      const answer = await readJson(response);
      if (response.statusCode !== 200) throw refusedBy(answer, wayRound);
      return readLogin(answer).token;
    } finally {
      remove();
    }
  };

  /** A token may have ended, or the service have been started again, since the last question. */
  const withToken = async (path: string, sent: Sent, stop?: AbortSignal): Promise<IncomingMessage> => {
    const isFresh = token === null;
    token ??= await logIn();
    const response = await send(
      path,
      { ...sent, headers: { ...sent.headers, Authorization: `Bearer ${token}` } },
      stop,
    );
    if (response.statusCode !== unauthorized || isFresh) return response;
    response.resume();
    token = null;
    return withToken(path, sent, stop);
  };
  const answered = async (response: IncomingMessage): Promise<unknown> => {
    const answer = await readJson(response);
    const { status } = readOutcome(answer);
    if (response.statusCode === notFound && status === "not_found") return null;
    if (response.statusCode !== 200 || status !== "ok") throw refusedBy(answer, wayRound, response.statusCode);
    return answer;
  };

  return {
    ask: async (path) => answered(await withToken(path, {})),
    async send(path, body) {
      const headers: Headers = { "Content-Type": "application/json" };
      const response = await withToken(path, { method: "POST", body: JSON.stringify(body), headers });
      if (response.statusCode !== notFound) return answered(response);
      response.resume();
      throw new SessionBuddyError(
        "network",
        `the service of this machine is of an earlier version, which cannot take this; update it with 'session-buddy install --system'; ${wayRound}`,
      );
    },
    async stream(path, lastId, stop) {
      const headers: Headers = lastId === null ? {} : { "Last-Event-ID": lastId };
      const response = await withToken(path, { headers }, stop);
      const isStream = response.headers["content-type"] === "text/event-stream";
      if (response.statusCode === 200 && isStream) return response;
      throw refusedBy(await readJson(response), wayRound, response.statusCode);
    },
    close: () => agent.destroy(),
  };
}

type Headers = Readonly<Record<string, string>>;

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Headers;
}

/** Whoever could put a socket there would be told a secret that it could use itself. */
function requireSocketOfService({ spool, socket }: MachinePlace, wayRound: string): void {
  const service = follow(spool).stats?.uid;
  const { stats, issue, path } = follow(socket, service);
  if (issue !== null)
    throw new SessionBuddyError("network", `the socket ${path} ${issue.words}; nothing was sent to it`);
  if (stats === null) throw unanswered({ socket }, new Error("there is no such socket"), wayRound);
  if (stats.uid === 0 || stats.uid === service) return;
  throw new SessionBuddyError(
    "network",
    `the socket ${socket} belongs to user id ${stats.uid}, not to the service; nothing was sent to it`,
  );
}

function secretIn(spool: string, wayRound: string): ReturnType<typeof makeLoginSecret> {
  try {
    return makeLoginSecret(spool);
  } catch (error) {
    throw new SessionBuddyError(
      "network",
      `no file can be made in ${spool}, by which the record of this machine sees who asks: ${(error as Error).message}; ${wayRound}`,
      { cause: error },
    );
  }
}

const askOwn = "your own record is asked with --personal";

function unanswered({ socket }: Pick<MachinePlace, "socket">, error: Error, wayRound: string): SessionBuddyError {
  return new SessionBuddyError(
    "network",
    `the record of this machine does not answer at ${socket}: ${wordsFor(error)}; ${wayRound}`,
    { cause: error },
  );
}

function wordsFor({ message, code }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" || code === "ECONNREFUSED") return "its service is not running";
  return code === "ECONNRESET" ? "the connection was cut" : message;
}

/** The sentence of the service, which another program may have written: it is shortened here, and escaped where it is printed. */
function refusedBy(answer: unknown, wayRound: string, status?: number): SessionBuddyError {
  const { error } = readOutcome({ status: "error", error: null, ...(answer as object) });
  const words = (error ?? "it gave no reason").slice(0, longestSentence);
  if (status === 400) return new SessionBuddyError("invalid", words);
  return new SessionBuddyError("network", `the record of this machine refuses: ${words}; ${wayRound}`);
}

/** @throws SessionBuddyError `network` when it is cut, too large, or no JSON */
async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > largestAnswerBytes) throw new Error("it is too large");
      chunks.push(chunk);
    }
    return parseJson(Buffer.concat(chunks, length).toString("utf8"));
  } catch (error) {
    const words = error instanceof SyntaxError ? "it is not JSON" : wordsFor(error as Error);
    throw new SessionBuddyError("network", `the answer of the record of this machine cannot be read: ${words}`, {
      cause: error,
    });
  }
}
