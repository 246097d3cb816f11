/**
 * Prints what the program costs (`src/README.md` section 7): tables for a person, then one line of JSON for a program.
 * BENCH_RUNS says how often each command is run and each shell opened, 40 by default; BENCH_ROUNDS how often each load is put on, 5 by default.
 */
import { execFileSync } from "node:child_process";
import { oldestNode } from "../support/packages.ts";
import { createSandbox } from "../support/sandbox.ts";
import { type CommandCost, measureCommands } from "./commands.ts";
import { measureHooks } from "./hooks.ts";
import { printTable } from "./print.ts";
import { measureServers, type ServerName } from "./server.ts";
import { rounded } from "./statistics.ts";

const runs = Number(process.env.BENCH_RUNS ?? 40);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

const endings: (() => unknown)[] = [];
const sandbox = createSandbox({ after: (ending) => void endings.unshift(ending as () => unknown) });
try {
  const newest = await measureOn(process.execPath);
  const oldest = await measureOn(oldestNode());
  const hooks = await measureHooks(runs);
  printTable(`What is added to a shell, against one /bin/true (10th percentiles of ${runs} shells)`, hooks);
  const servers = await measureServers(sandbox, rounds);
  printTable(
    `serve against a bare echo and a set-up for each request (medians of ${rounds} rounds; latencies of all calls)`,
    servers,
  );
  const ratios = ratiosOf(servers);
  for (const { connections, toEcho, toPerRequest, toOwnCommits } of ratios) {
    process.stdout.write(
      `At ${connections} connections serve answers ${toEcho} of what the echo does, and ${toPerRequest} times what a set-up for each request does, ${toOwnCommits} times where each has a commit of its own.\n`,
    );
  }
  process.stdout.write(`${JSON.stringify({ runs, rounds, newest, oldest, hooks, servers, ratios })}\n`);
} finally {
  for (const ending of endings) await ending();
}

async function measureOn(node: string): Promise<{ version: string; commands: readonly CommandCost[] }> {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trimEnd();
  const commands = await measureCommands(sandbox, node, runs);
  printTable(`A command against node -e 0 of Node.js ${version} (medians of ${runs} pairs, milliseconds)`, commands);
  return { version, commands };
}

interface Ratios {
  readonly connections: number;
  readonly toEcho: number;
  readonly toPerRequest: number;
  readonly toOwnCommits: number;
}

function ratiosOf(servers: Awaited<ReturnType<typeof measureServers>>): readonly Ratios[] {
  const rateOf = (name: ServerName, connections: number) =>
    servers.find((rate) => rate.server === name && rate.connections === connections)?.callsPerSecond ?? Number.NaN;
  return [...new Set(servers.map((rate) => rate.connections))].map((connections) => {
    const serve = rateOf("serve", connections);
    return {
      connections,
      toEcho: rounded(serve / rateOf("echo", connections)),
      toPerRequest: rounded(serve / rateOf("per request", connections)),
      toOwnCommits: rounded(serve / rateOf("per request, own commits", connections)),
    };
  });
}
