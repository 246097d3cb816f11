/** Owns the way to the service of this machine: its Unix socket, a login there, and what is said when that fails. */
import { Agent, type IncomingMessage, request } from "node:http";
import type { MachinePlace } from "../config/machine-place.ts";
import { makeLoginSecret } from "../host/login-secret.ts";
import { follow } from "../host/trusted-path.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readLogin, readOutcome } from "../wire/read-answer.ts";
import { readAnswer, type ServiceLink, type ServiceRequest, silenceMs } from "./service-client.ts";

const askOwn = "your own record is asked with --personal";

/** @param wayRound - what can be done without the service, for messages */
export function createMachineLink(place: MachinePlace, wayRound = askOwn): ServiceLink {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const name = "the record of this machine";
  const open = ({ signal, headers, body, ...asked }: ServiceRequest): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const sent = request({
        ...asked,
        socketPath: place.socket,
        agent,
        headers: { Host: "localhost", ...headers },
        ...(signal === undefined ? {} : { signal }),
      });
      sent.setTimeout(silenceMs, () => sent.destroy(new Error(`nothing came for ${silenceMs / 1000} s`)));
      sent.once("response", resolve);
      sent.once("error", (error) => reject(unanswered(place, error, wayRound)));
      sent.end(body);
    });

  const link: ServiceLink = {
    name,
    open,
    otherVersion: `update it with 'session-buddy install --system'; ${wayRound}`,
    refusal(status, words) {
      if (status === 400) return new SessionBuddyError("invalid", words);
      const cause = status >= 500 ? new Error(`status ${status}`) : undefined;
      return new SessionBuddyError("network", `${name} refuses: ${words}; ${wayRound}`, { cause });
    },
    async token() {
      requireSocketOfService(place, wayRound);
      const { file, secret, remove } = secretIn(place.spool, wayRound);
      try {
        const headers = { "Content-Type": "application/json" };
        const body = JSON.stringify({ file, secret });
        const response = await open({ path: "/v1/login", method: "POST", headers, body });
        const answer = await readAnswer(response, link);
        if (response.statusCode === 200) return readLogin(answer).token;
        const { error } = readOutcome({ status: "error", error: null, ...(answer as object) });
        // Whoever cannot log in has asked nothing that could be wrong.
        throw link.refusal(401, error ?? "it gave no reason");
      } finally {
        remove();
      }
    },
    close: () => agent.destroy(),
  };
  return link;
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
