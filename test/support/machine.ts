/** The record of a machine as its service keeps it, in folders of one test: a service user, a spool, a socket, real users. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.ts";
import { createSandbox, launcher, type Outcome, type RunOptions, type Sandbox } from "./sandbox.ts";
import { withoutTerminals } from "./shells/pty.ts";
import { recordHistory, type Story } from "./store/history.ts";
import { createUser, type User } from "./users.ts";

export interface Machine {
  readonly sandbox: Sandbox;
  /** The system's user that the service runs as. */
  readonly service: User;
  readonly spool: string;
  readonly socket: string;
  /** What those who ask have in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command as root, whose own record is in a folder of the test. */
  asRoot(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Runs a command as a user; its own record is in its home. */
  as(user: User, args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Puts sessions on record while the service is not running. */
  record(stories: readonly Story[]): Promise<void>;
  /** Starts the service. @returns what stops it, and what it has written so far */
  serve(env?: Readonly<Record<string, string>>, port?: number): Promise<Service>;
}

export interface Service {
  readonly pid: number;
  /** Of its entrance by TCP, for example `http://127.0.0.1:41234/`; empty where it has none. */
  readonly url: string;
  log(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const othersMayLeave = 0o3733;

export function createAskedMachine(t: TestContext): Machine {
  const running = new Set<Service>();
  // Before the users are removed that it runs as.
  t.after(() => Promise.all([...running].map((one) => one.stop("SIGKILL"))));
  const sandbox = createSandbox(t);
  const service = createUser(t, sandbox);
  const spool = join(sandbox.folder, "spool");
  const run = join(sandbox.folder, "run");
  const socket = join(run, "socket");
  mkdirSync(spool);
  chownSync(spool, service.uid, service.gid);
  chmodSync(spool, othersMayLeave);
  mkdirSync(run, { mode: 0o755 });
  chownSync(run, service.uid, service.gid);
  const handOver = () => execFileSync("chown", ["-R", `${service.uid}:${service.gid}`, sandbox.home]);
  mkdirSync(sandbox.home, { mode: 0o700 });
  mkdirSync(join(sandbox.folder, "root"), { mode: 0o700 });
  handOver();
  const env = { SESSION_BUDDY_SPOOL: spool, SESSION_BUDDY_SOCKET: socket };
  const own = { HOME: join(sandbox.folder, "root"), SESSION_BUDDY_HOME: join(sandbox.folder, "root") };
  return {
    sandbox,
    service,
    spool,
    socket,
    env,
    asRoot: (args, options = {}) => sandbox.run(args, { ...options, env: { ...env, ...own, ...options.env } }),
    as: (user, args, options = {}) => user.run(args, { ...options, env: { ...env, ...options.env } }),
    async record(stories) {
      await recordHistory(sandbox, stories);
      handOver();
    },
    async serve(extra = {}, port = 0) {
      const command = [
        ...withoutTerminals,
        ...service.under,
        launcher,
        "serve",
        "--port",
        String(port),
        "--spool",
        spool,
      ];
      const child = spawn(command[0] ?? "", command.slice(1), {
        env: { ...sandbox.env, ...env, ...extra, HOME: service.home },
        cwd: "/",
        stdio: ["ignore", "pipe", "pipe"],
      });
      let log = "";
      child.stderr.on("data", (chunk: Buffer) => {
        log += chunk;
      });
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
        child.kill(signal);
        await ended;
        running.delete(started);
      };
      const started = { pid: child.pid ?? 0, url: "", log: () => log, stop };
      running.add(started);
      started.url = await eventually(() => {
        const found = log.includes("Serving MCP") ? (/url=(http:\/\/[^/]+\/)mcp/.exec(log)?.[1] ?? "") : undefined;
        if (found === undefined || !existsSync(socket)) throw new Error(`it does not serve: ${log}`);
        return found;
      });
      return started;
    },
  };
}

export interface SocketAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks over the socket as a program without the client would, from this process. */
export function askSocket(
  socketPath: string,
  path: string,
  { method = "GET", body, token }: { method?: string; body?: unknown; token?: string } = {},
): Promise<SocketAnswer> {
  const headers = {
    Host: "localhost",
    "Content-Type": "application/json",
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
