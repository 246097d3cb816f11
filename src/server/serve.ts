/** Owns a running server from its first to its last moment, over HTTP or standard input and output. For commands. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { createAnswers } from "../app/answers.ts";
import { type App, deliverOnceEnrolled, placeOfRecord } from "../app/app.ts";
import { createLive } from "../app/live.ts";
import { createLogin, createLoginUsers, type Login } from "../app/login.ts";
import { createPeerCheck } from "../app/peers.ts";
import { createQuestions, type OwnQuestions } from "../app/questions.ts";
import { createRetention } from "../app/retention.ts";
import { createTakeOver } from "../app/take-over.ts";
import { type CallListener, createTrack } from "../app/track.ts";
import type { Gate } from "../auth/gate.ts";
import { createServiceTokens } from "../auth/service-tokens.ts";
import type { RenewedTls } from "../auth/tls-files.ts";
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import { type LogFields, logFailure } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { listenError, listenOnAddress } from "./address.ts";
import { hostsFor, isLoopback } from "./http/caller.ts";
import { refreshTls } from "./http/tls.ts";
import { listenOnSocket } from "./http/unix-socket.ts";
import { createHttpEntrance, type HttpEntrance, type HttpLimits } from "./listener.ts";
import { exactLines } from "./mcp/exact-lines.ts";
import { createResources } from "./mcp/resources.ts";
import { followCalls, type RunningCalls } from "./mcp/running-calls.ts";
import { createMcpServer, type Service } from "./mcp/server.ts";
import { createTools } from "./mcp/tools.ts";
import { createNotify } from "./systemd.ts";
import { hostEntrances } from "./web/hosts.ts";
import { createImportEntrance } from "./web/import.ts";
import { createLiveStreams } from "./web/live.ts";
import { createLoginEntrance } from "./web/login.ts";

export interface ServeOptions {
  readonly app: App;
  /** Lets calls through, or not; null lets every call through. */
  readonly gate: Gate | null;
  readonly version: string;
  /** Aborted when the server is to stop: running calls are answered, then the promise resolves. */
  readonly signal: AbortSignal;
}

/** What the service of a machine has beside the record. */
export interface MachineService {
  /** The folder in which shells leave their files, and those who log in theirs. */
  readonly spool: string;
  /** The Unix socket that it answers on, beside TCP. */
  readonly socket: string;
  /** Its members may read everybody's sessions, as root may. */
  readonly adminGroup: string;
}

export interface HttpServeOptions extends ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: HttpLimits;
  /** Whether `/metrics` is for everyone, also where calls need a token. */
  readonly areMetricsOpen: boolean;
  /** Whether other users of this machine may use a server without a secret. */
  readonly areOtherUsersAllowed: boolean;
  /** Whether systemd is to be told when the server is ready, and when it stops. */
  readonly isWaitedForBySystemd: boolean;
  /** Null for a server that is not the machine's. */
  readonly machine: MachineService | null;
  /** What is shown over TCP; null for plain HTTP. */
  readonly tls: RenewedTls | null;
  /** As whom other hosts know this server; null for what each request says. */
  readonly publicUrl: string | null;
}

/** How often a server finishes what shells left behind, in milliseconds. */
const reconcileIntervalMs = 30_000;
/** How long a server that stops waits for requests that have not arrived to their end, in milliseconds. */
const lastRequestsMs = 3_000;
/** How often it closes the connections that have become idle. */
const idleCheckMs = 20;

/**
 * Serves over HTTP until the signal is aborted.
 *
 * @throws SessionBuddyError `network` when the address cannot be listened on, or must not be without a secret
 */
export async function serveHttp(options: HttpServeOptions): Promise<void> {
  const { app, gate, host, port, signal } = options;
  if (gate === null && !isLoopback(host)) {
    throw new SessionBuddyError(
      "network",
      `${host} can be reached from other machines, and no secret is set; set SESSION_BUDDY_SECRET (session-buddy token secret makes one), or listen on 127.0.0.1`,
    );
  }
  const local = options.machine === null ? null : await createLocalUsers(options.machine, options);
  const served = { ...options, gate: local === null ? gate : local.gate };
  const isPersonal = served.gate === null && !options.areOtherUsersAllowed;
  const checkPeer = isPersonal ? createPeerCheck() : null;
  const { createMetrics } = await import("./metrics/metrics.ts");
  const metrics = await createMetrics({ store: app.store, version: options.version, spool: app.spool });
  const questions = createQuestions(app);
  const calls = followCalls(serviceOf(served, questions, metrics.observe));
  const entrance = await createHttpEntrance({
    createServer: (onRefusal) => createMcpServer({ ...calls.service, onRefusal }),
    version: options.version,
    allowedHosts: hostsFor(host),
    limits: options.limits,
    authenticate: served.gate,
    checkPeer,
    onForeignPeer: (sentence) => app.log.warning("Connection refused", { reason: sentence }),
    metrics,
    areMetricsOpen: options.areMetricsOpen,
    tls: options.tls,
    api: {
      tools: calls.service.tools,
      live: createLiveStreams(createLive(questions, served.gate)),
      login: local === null ? null : createLoginEntrance(local.login, app.log),
      import: local === null ? null : createImportEntrance(createTakeOver(app), local.gate, app.log),
      ...hostEntrances(app, options.publicUrl, metrics.observeDelivery),
    },
    onFailure: (error) => logFailure(app.log, "Request failed", error),
  });
  const { server } = entrance;
  let url: string | null = null;
  try {
    url = await listenOnAddress(server, { host, port, signal, hasSocket: options.machine !== null, log: app.log });
    if (options.machine !== null) await listenOnSocket(entrance.socketServer, options.machine.socket);
  } catch (error) {
    await entrance.close();
    server.close();
    if (signal.aborted) return;
    throw error instanceof SessionBuddyError ? error : listenError(error, host, port);
  }
  const users = checkPeer === null ? "all" : "own";
  const socket = options.machine === null ? {} : { socket: options.machine.socket };
  logServing(served, { ...(url === null ? {} : { url }), ...socket }, served.gate === null ? { users } : {});
  if (isPersonal && checkPeer === null) {
    app.log.warning("Every user of this machine can use this server", {
      reason:
        "without /proc/net/tcp it cannot be seen whose a connection is; set SESSION_BUDDY_SECRET to keep others out",
    });
  }
  const notify = createNotify(options.isWaitedForBySystemd, app.log);
  const ready = notify("ready");

  const delivering = deliverOnceEnrolled(signal, app);
  const removeOld = createRetention(app);
  await reconcileUntil(signal, app, async () => {
    await removeOld();
    if (options.tls !== null) refreshTls(options.tls, app.log, false);
    await metrics.follow();
    await local?.login.sweep();
  });
  await delivering;
  const closed = closeEntrance(entrance, calls);
  await ready;
  await Promise.all([closed, notify("stopping")]);
}

/** Those of this machine who log in over its socket; their tokens are good beside those of a configured secret. */
async function createLocalUsers(
  { spool, adminGroup }: MachineService,
  { gate }: ServeOptions,
): Promise<{ readonly gate: Gate; readonly login: Login }> {
  const tokens = await createServiceTokens();
  return { gate: tokens.gate(gate), login: createLogin({ spool, adminGroup, tokens, users: createLoginUsers() }) };
}

/** Lets nobody in any more, answers what was asked, and ends the connections. */
async function closeEntrance({ server, socketServer, close }: HttpEntrance, calls: RunningCalls): Promise<void> {
  const listening = [server, socketServer].filter((one) => one.listening);
  const closed = listening.map((one) => once(one, "close"));
  for (const one of listening) one.close();
  // Node.js keeps a connection for the next request that never comes, and waits for ever for one that comes too slowly.
  const idle = setInterval(() => {
    for (const one of listening) one.closeIdleConnections();
  }, idleCheckMs);
  const closeAll = () => {
    for (const one of listening) one.closeAllConnections();
  };
  const late = setTimeout(() => calls.done().then(closeAll), lastRequestsMs);
  await calls.done();
  await close();
  await Promise.all(closed);
  clearInterval(idle);
  clearTimeout(late);
  await calls.done();
}

/** One line that says what is served, and to whom. */
function logServing({ app, gate }: ServeOptions, where: LogFields, who: LogFields = {}): void {
  app.log.info("Serving MCP", {
    ...where,
    store: placeOfRecord(app.config),
    authentication: gate === null ? "off" : "on",
    ...who,
  });
}

/** Serves one client over standard input and output until it closes its side or the signal is aborted. */
export async function serveStdio(options: ServeOptions): Promise<void> {
  const { app, signal } = options;
  const calls = followCalls(serviceOf(options, createQuestions(app)));
  const server = createMcpServer(calls.service);
  const ended = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve).once("close", resolve);
    // A client that reads no more, or whose message is larger than the transport takes, is gone as well.
    process.stdout.on("error", () => resolve());
    server.onclose = resolve;
  });
  // The SDK's own words repeat what was sent, which may hold a token.
  server.onerror = () => app.log.warning("Message refused", { reason: "not JSON-RPC, or larger than 10 MiB" });
  await server.connect(new StdioServerTransport(process.stdin.pipe(exactLines())));
  logServing(options, { transport: "stdio" });
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const delivering = deliverOnceEnrolled(stopped, app);
  const reconciling = reconcileUntil(stopped, app);
  await Promise.race([reconciling, ended]);
  stop.abort();
  await Promise.all([reconciling, delivering]);
  await calls.done();
  await server.close();
  // While it is open, the process would not end.
  process.stdin.destroy();
}

function serviceOf({ app, gate, version }: ServeOptions, questions: OwnQuestions, onAnswered?: CallListener): Service {
  const answers = createAnswers(app, gate, questions);
  const track = createTrack(app, gate, onAnswered);
  return { tools: createTools(track, answers, version), resources: createResources(answers), version };
}

/** Reconciles at once and then again and again; resolves when the signal is aborted and nothing is under way. */
async function reconcileUntil(
  signal: AbortSignal,
  app: App,
  afterwards: () => Promise<void> = async () => {},
): Promise<void> {
  const { reconcile } = createReconcile(app);
  const { spool } = app;
  if (spool !== null) {
    const { createSpoolKeeper } = await import("../capture/spool-keeper.ts");
    return createSpoolKeeper({ ...app, spool }, { reconcile }, afterwards).keep(signal);
  }
  while (!signal.aborted) {
    await reconcile(deadlinesMs.tick);
    await afterwards();
    await sleep(reconcileIntervalMs, undefined, { signal }).catch(() => {});
  }
}
