/**
 * Owns the JSON API under `/v1`: which path asks what, and the HTTP status of each answer. The answers are those of the
 * tools, so that whoever reads the one can read the other.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gate } from "../../auth/gate.ts";
import { addressOf, bearerOf, isAccepted } from "../http/caller.ts";
import type { Limit } from "../http/limits.ts";
import type { Peers } from "../http/peers.ts";
import { sendAnswer, sendRefusal, sendWait, statusOf, tooManyRefusals } from "../http/respond.ts";
import type { ServedTool } from "../mcp/schema.ts";
import type { EnrolmentEntrance } from "./enrolment.ts";
import type { EventsEntrance } from "./events.ts";
import type { ImportEntrance } from "./import.ts";
import type { LiveStreams } from "./live.ts";
import type { LoginEntrance } from "./login.ts";
import { describeApi } from "./openapi.ts";
import { askedBy } from "./questions.ts";

/** What stands behind `/v1`. */
export interface ApiPath {
  /** Of the program. */
  readonly version: string;
  readonly tools: ReadonlyMap<string, ServedTool>;
  readonly live: LiveStreams;
  /** Null where nobody can log in: on a server that is not the machine's, and on connections that come by TCP. */
  readonly login: LoginEntrance | null;
  /** Null where nobody can log in, and so nobody imports. */
  readonly import: ImportEntrance | null;
  /** What hosts deliver; null where none is enrolled. */
  readonly events: EventsEntrance | null;
  /** Lets hosts in by what no other gate takes, an invitation or a token of their own; null where none can be enrolled. */
  readonly enrolment: EnrolmentEntrance | null;
  readonly authenticate: Gate | null;
  readonly peers: Pick<Peers, "refusalOf">;
  readonly calls: Limit;
  readonly refusals: Limit;
}

type Args = Readonly<Record<string, unknown>>;

interface Question {
  readonly tool: string;
  readonly args: Args;
}

export const apiPrefix = "/v1/";

export async function handleApi(
  request: IncomingMessage,
  response: ServerResponse,
  { path, query }: { readonly path: string; readonly query: string },
  api: ApiPath,
): Promise<void> {
  const name = path.slice(apiPrefix.length);
  // Many hosts may come by one address; each is counted by itself, once it is known which it is.
  if (name === "events" || name === "events/position") return handleEvents(request, response, { name, query }, api);
  const waitSeconds = await api.calls.take(addressOf(request));
  if (waitSeconds !== null) return sendWait(response, 429, waitSeconds, "Too many calls");
  if (name === "login") return handleLogin(request, response, api);
  if (name === "import") return handleImport(request, response, api);
  if (name === "enroll" || name === "rotate") return handleEnrolment(name, request, response, api);
  const question = questionOf(name, query);
  const isDescription = name === "openapi.json";
  if (question === null && name !== "live" && !isDescription)
    return sendRefusal(response, 404, "There is no such question");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return sendRefusal(response, 405, "Questions are asked with GET");
  }
  // It says nothing of what is on record, and how to ask for that with a token.
  if (isDescription) return sendAnswer(response, 200, describeApi(api.tools, api.version));
  const foreign = await api.peers.refusalOf(request.socket);
  if (foreign !== null) return sendRefusal(response, 403, foreign);
  const token = bearerOf(request);
  const over = await refusedTooOften(request, token, api);
  if (over !== null) return sendWait(response, 429, over, tooManyRefusals);
  // What stands in a URL is kept in logs and histories.
  if (new URLSearchParams(query).has("token")) {
    return sendRefusal(response, 400, "Send the token in the header Authorization: Bearer TOKEN, not in the URL");
  }
  const onRefused = () => void api.refusals.take(addressOf(request));
  if (question === null) return api.live.handle(request, response, { query, token, onRefused });
  await answer(response, question, token, { api, onRefused });
}

async function handleLogin(request: IncomingMessage, response: ServerResponse, api: ApiPath): Promise<void> {
  if (request.method !== "POST") {
    response.setHeader("Allow", "POST");
    return sendRefusal(response, 405, "Log in with POST");
  }
  if (api.login === null)
    return sendRefusal(response, 403, "Nobody logs in here; it is done over the socket of the service");
  await api.login(request, response);
}

async function handleEvents(
  request: IncomingMessage,
  response: ServerResponse,
  { name, query }: { readonly name: "events" | "events/position"; readonly query: string },
  api: ApiPath,
): Promise<void> {
  const method = name === "events" ? "POST" : "GET";
  if (request.method !== method) {
    response.setHeader("Allow", method);
    return sendRefusal(response, 405, "Deliver with POST; ask for the position with GET");
  }
  if (api.events === null) return sendRefusal(response, 404, "No host is enrolled here");
  const onRefused = () => api.refusals.take(addressOf(request));
  if (name === "events") return api.events.deliver(request, response, onRefused);
  await api.events.position(request, response, query, onRefused);
}

async function handleImport(request: IncomingMessage, response: ServerResponse, api: ApiPath): Promise<void> {
  if (request.method !== "POST") {
    response.setHeader("Allow", "POST");
    return sendRefusal(response, 405, "Import with POST");
  }
  if (api.import === null)
    return sendRefusal(response, 403, "Nobody imports here; it is done over the socket of the service");
  const token = bearerOf(request);
  const over = await refusedTooOften(request, token, api);
  if (over !== null) return sendWait(response, 429, over, tooManyRefusals);
  await api.import(request, response, { token, onRefused: () => void api.refusals.take(addressOf(request)) });
}

async function handleEnrolment(
  name: "enroll" | "rotate",
  request: IncomingMessage,
  response: ServerResponse,
  api: ApiPath,
): Promise<void> {
  if (request.method !== "POST") {
    response.setHeader("Allow", "POST");
    return sendRefusal(response, 405, "Hosts are enrolled with POST");
  }
  if (api.enrolment === null) return sendRefusal(response, 404, "No hosts are enrolled here");
  const over = await api.refusals.look(addressOf(request));
  if (over !== null) return sendWait(response, 429, over, tooManyRefusals);
  const onRefused = () => void api.refusals.take(addressOf(request));
  await api.enrolment(name, request, response, { token: bearerOf(request), onRefused });
}

async function answer(
  response: ServerResponse,
  { tool, args }: Question,
  token: string,
  { api, onRefused }: { readonly api: ApiPath; readonly onRefused: () => void },
): Promise<void> {
  const run = api.tools.get(tool)?.run;
  if (run === undefined) return sendRefusal(response, 404, "There is no such question");
  const answered = await run({ ...args, token });
  if (answered.failure?.startsWith("auth.")) onRefused();
  const isMissing = "status" in answered.answer && answered.answer.status === "not_found";
  sendAnswer(response, isMissing ? 404 : statusOf(answered.failure), answered.answer);
}

/** @returns null when the path asks nothing that is known */
function questionOf(name: string, query: string): Question | null {
  const asked = askedBy(name);
  return asked === null ? null : { tool: asked.tool, args: { ...argumentsOf(query), ...asked.args } };
}

/** Of the arguments this one alone is a list, so that it is one even where it has one item. */
const listArgument = "states";

/** One that is given several times is a list, which the parser takes where it should be one. */
function argumentsOf(query: string): Args {
  const given = new URLSearchParams(query);
  const names = new Set(given.keys());
  const takenAs = (values: readonly string[], name: string) =>
    values.length > 1 || name === listArgument ? values : values[0];
  return Object.fromEntries([...names].map((name) => [name, takenAs(given.getAll(name), name)]));
}

/** Whoever holds a good token is served, however often others behind the same address are refused. */
async function refusedTooOften(
  request: IncomingMessage,
  token: string,
  { authenticate, refusals }: ApiPath,
): Promise<number | null> {
  if (authenticate === null) return null;
  const waitSeconds = await refusals.look(addressOf(request));
  return waitSeconds === null || (await isAccepted(token, authenticate)) ? null : waitSeconds;
}
