/**
 * Owns asking another machine over HTTPS: who may answer, for how long it is waited for, and how much of an answer is read.
 * Nothing is sent before the other side has shown who it is, no redirect is followed, and no proxy of the environment used.
 */
import { timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type Agent,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect, getCACertificates, type TLSSocket } from "node:tls";
import { SessionBuddyError } from "../tracker/errors.ts";
import { parseTarget, pinOf, requirePin, type SecureTarget } from "./secure-target.ts";

/** One request. */
export interface SecureRequest {
  /** With its query, from the first slash on. */
  readonly path: string;
  /** `GET` by default. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For all of it, in milliseconds; no limit but the silence by default. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface SecureAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface SecureClient {
  /** @throws SessionBuddyError `network`, with the error of the system as its cause where there is one */
  send(request: SecureRequest): Promise<SecureAnswer>;
  /**
   * The same for an answer without an end, whose body is for the caller to read; the deadline and the silence hold for it too.
   *
   * @throws SessionBuddyError as {@link SecureClient.send}
   */
  stream(request: SecureRequest): Promise<IncomingMessage>;
  /** Ends its connections. */
  close(): void;
}

const usualConnectMs = 10_000;
const usualSilenceMs = 30_000;
const usualLargestBytes = 1024 * 1024;

/**
 * Nothing is opened before the first request.
 *
 * @throws SessionBuddyError `usage` for an address or a pin that cannot be, `network` for a file that cannot be read
 */
export function createSecureClient(target: SecureTarget): SecureClient {
  const url = parseTarget(target.url);
  requirePin(target.pin);
  const isSecure = url.protocol === "https:";
  const agent = isSecure ? secureAgent(target) : new HttpAgent({ keepAlive: true, maxSockets: 4 });
  const silenceMs = target.silenceMs ?? usualSilenceMs;
  const mostBytes = target.largestAnswerBytes ?? usualLargestBytes;
  const prefix = url.pathname.replace(/\/+$/, "");

  const opened = (asked: SecureRequest): Promise<Opened> => {
    const { path, method = "GET", headers = {}, body, signal, deadlineMs } = asked;
    const late = deadlineMs === undefined ? null : AbortSignal.timeout(deadlineMs);
    const signals = [late, signal].filter((one) => one !== null && one !== undefined);
    const options: RequestOptions = {
      hostname: unbracketed(url.hostname),
      port: url.port === "" ? (isSecure ? 443 : 80) : url.port,
      path: prefix + path,
      method,
      agent,
      headers: { Host: url.host, ...lengthOf(body), ...headers },
      ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    };
    return new Promise((resolve, reject) => {
      const sent = (isSecure ? httpsRequest : httpRequest)(options);
      sent.setTimeout(silenceMs, () => sent.destroy(new Error(`nothing came for ${silenceMs / 1000} s`)));
      const explain = (error: Error) => unanswered(url, late?.aborted ? new Error(lateWords(deadlineMs)) : error);
      sent.once("response", (response) => resolve({ response, explain }));
      sent.on("error", (error) => reject(explain(error)));
      sent.end(body);
    });
  };

  return {
    async send(asked) {
      const { response, explain } = await opened(asked);
      const body = await readBody(response, mostBytes).catch((error) => {
        throw error instanceof SessionBuddyError ? error : explain(error);
      });
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    },
    stream: async (asked) => (await opened(asked)).response,
    close: () => agent.destroy(),
  };
}

interface Opened {
  readonly response: IncomingMessage;
  readonly explain: (error: Error) => SessionBuddyError;
}

function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function lengthOf(body: string | Uint8Array | undefined): Readonly<Record<string, string>> {
  return body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
}

function lateWords(deadlineMs = 0): string {
  return `it took longer than ${deadlineMs / 1000} s`;
}

/** A connection is handed out when the other side has shown who it is. */
function secureAgent({ pin, caFile, connectMs = usualConnectMs }: SecureTarget): Agent {
  const authorities = pin !== null && caFile === null ? null : authoritiesOf(caFile);
  // A resumed connection shows no certificate, so none is resumed.
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 4, maxCachedSessions: 0 });
  agent.createConnection = (options, done) => {
    const { host, port } = options as { readonly host: string; readonly port: number };
    const socket = connect({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(authorities === null ? { rejectUnauthorized: false } : { ca: authorities() }),
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
    });
    const failed = (error: Error) => {
      socket.destroy();
      done?.(error, socket);
    };
    const timer = setTimeout(() => failed(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
    socket.once("error", failed);
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.removeListener("error", failed);
      if (pin !== null && !isPinned(socket, pin)) return failed(new Error(wrongKey));
      done?.(null, socket);
    });
    socket.once("close", () => clearTimeout(timer));
    // Given back at once it would be used at once.
    return undefined as unknown as Socket as never;
  };
  return agent;
}

const wrongKey = "its public key is not the pinned one; nothing was sent to it";

function isPinned(socket: TLSSocket, pin: string): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  const shown = Buffer.from(pinOf(certificate.publicKey.export({ type: "spki", format: "der" })));
  return pin.split(";").some((one) => one.length === shown.length && timingSafeEqual(Buffer.from(one), shown));
}

/** Those of the system are read when the first connection is made: there are many. */
function authoritiesOf(caFile: string | null): () => string[] {
  if (caFile === null) {
    return () => {
      const ofSystem = getCACertificates("system");
      return ofSystem.length > 0 ? [...ofSystem, ...getCACertificates("extra")] : getCACertificates("default");
    };
  }
  const text = readAuthorities(caFile);
  return () => [text];
}

function readAuthorities(path: string): string {
  try {
    const text = readFileSync(path, "latin1");
    if (!text.includes("-----BEGIN CERTIFICATE-----")) throw new Error("it holds no certificate in PEM");
    return text;
  } catch (error) {
    throw new SessionBuddyError("network", `the authorities in ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function readBody(response: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`the answer is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function unanswered(url: URL, error: Error): SessionBuddyError {
  return new SessionBuddyError("network", `${url.origin} does not answer: ${wordsFor(error)}`, { cause: error });
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "names cannot be looked up now",
  ABORT_ERR: "it was given up",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself; give its pin, or the file of its authority",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not known here; give the file of its authority, or a pin",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not known here; give the file of its authority, or a pin",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is not known here; give the file of its authority, or a pin",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS; it may serve http",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS; it may serve http",
};

function wordsFor({ message, code = "" }: NodeJS.ErrnoException): string {
  return words[code] ?? message;
}
