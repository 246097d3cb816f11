/** A place of its own for one test: folders, environment, and the real program run in it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

export const root = resolve(import.meta.dirname, "../..");
export const launcher = join(root, "bin/session-buddy");

/** The Node.js that the whole suite is run on, where it is not the one that the launcher takes of itself. */
const runtime: Readonly<Record<string, string>> =
  process.env.SESSION_BUDDY_NODE === undefined ? {} : { SESSION_BUDDY_NODE: process.env.SESSION_BUDDY_NODE };

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

export interface RunningServer {
  /** For example `http://127.0.0.1:41234/mcp`. */
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has written to standard error so far. */
  log(): string;
  /** Sends a signal, SIGTERM by default, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>;
}

export interface Sandbox {
  readonly folder: string;
  /** The value of SESSION_BUDDY_HOME. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `session-buddy` to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /**
   * Starts `session-buddy serve` on a free port.
   *
   * @param under - a command line that runs the one after it, such as `setpriv`; none by default
   * @param args - further arguments; none by default
   */
  serve(
    env?: Readonly<Record<string, string>>,
    under?: readonly string[],
    args?: readonly string[],
  ): Promise<RunningServer>;
  /** Connects the official client to a server over HTTP. */
  httpClient(server: RunningServer): Promise<Client>;
  /** Starts `session-buddy serve --stdio` behind the official client. */
  stdioClient(env?: Readonly<Record<string, string>>): Promise<Client>;
}

/** Everything in it is stopped and removed when the test is done. */
export function createSandbox(t: Pick<TestContext, "after">): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), "session-buddy-test-"));
  const home = join(folder, "sb");
  mkdirSync(join(folder, "home"));
  const env = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: join(folder, "home"),
    LANG: "C.UTF-8",
    SESSION_BUDDY_HOME: home,
    // The record of the machine that the tests run on is no part of them.
    SESSION_BUDDY_SPOOL: "",
    ...runtime,
  };
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  const connect = async (transport: Transport) => {
    // Loaded by those who want a client: it takes longer than most tests.
    const sdk = await import("@modelcontextprotocol/sdk/client/index.js");
    const client = new sdk.Client({ name: "test", version: "1" });
    await client.connect(transport);
    t.after(() => client.close());
    return client;
  };

  return {
    folder,
    home,
    env,
    run: (args, options = {}) =>
      runToEnd(launcher, args, { ...options, env: { ...env, ...options.env }, cwd: options.cwd ?? folder }),
    async serve(extra = {}, under = [], args = []) {
      const server = await startServer({ ...env, ...extra }, folder, under, args);
      t.after(() => server.child.kill("SIGKILL"));
      return server;
    },
    async httpClient({ url }) {
      const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
      return connect(new StreamableHTTPClientTransport(new URL(url)) as Transport);
    },
    async stdioClient(extra = {}) {
      const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
      const server = { command: launcher, args: ["serve", "--stdio"], env: { ...env, ...extra } };
      return connect(new StdioClientTransport({ ...server, stderr: "ignore" }));
    },
  };
}

/** Runs a program to its end; its whole environment is `options.env`. */
export function runToEnd(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(program, args, { env: options.env ?? {}, cwd: options.cwd, stdio: ["pipe", "pipe", "pipe"] });
  const outcome = outcomeOf(child);
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  return outcome;
}

async function startServer(
  env: Readonly<Record<string, string>>,
  cwd: string,
  under: readonly string[],
  more: readonly string[],
): Promise<RunningServer> {
  const [program = launcher, ...args] = [...under, launcher, "serve", "--port", "0", ...more];
  const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  const outcome = outcomeOf(child);
  const url = await new Promise<string>((resolveUrl, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      log += chunk;
      const found = /url=(http\S+\/mcp)/.exec(log)?.[1];
      if (found !== undefined) resolveUrl(found);
    });
    child.on("exit", () => reject(new Error(`the server ended: ${log}`)));
  });
  return {
    url,
    child,
    log: () => log,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return outcome;
    },
  };
}

function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolveOutcome, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolveOutcome({ status, signal, stdout, stderr }));
  });
}
