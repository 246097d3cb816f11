/**
 * Prints what the program costs (`DESIGN.md` section 7): two tables for a person, then one line of JSON for a program.
 * BENCH_RUNS says how often each command is run, 40 by default; BENCH_ROUNDS how often each load is put on, 5 by default.
 */
import { createSandbox } from "../support/sandbox.ts";
import { measureCommands } from "./commands.ts";
import { printTable } from "./print.ts";
import { measureServers } from "./server.ts";
import { rounded } from "./statistics.ts";

const runs = Number(process.env.BENCH_RUNS ?? 40);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

const endings: (() => unknown)[] = [];
const sandbox = createSandbox({ after: (ending) => void endings.unshift(ending as () => unknown) });
try {
  const commands = await measureCommands(sandbox, runs);
  printTable(`A command against node -e 0 (medians of ${runs} pairs, milliseconds)`, commands);
  const servers = await measureServers(sandbox, rounds);
  printTable(`serve against a bare echo (medians of ${rounds} rounds; latencies of all calls)`, servers);
  const shares = shareOfEcho(servers);
  for (const [connections, share] of Object.entries(shares)) {
    process.stdout.write(`At ${connections} connections serve answers ${share} of what the echo does.\n`);
  }
  process.stdout.write(`${JSON.stringify({ runs, rounds, commands, servers, shareOfEcho: shares })}\n`);
} finally {
  for (const ending of endings) await ending();
}

function shareOfEcho(servers: Awaited<ReturnType<typeof measureServers>>): Record<number, number> {
  const rateOf = (name: string, connections: number) =>
    servers.find((rate) => rate.server === name && rate.connections === connections)?.callsPerSecond ?? Number.NaN;
  const connections = new Set(servers.map((rate) => rate.connections));
  return Object.fromEntries([...connections].map((n) => [n, rounded(rateOf("serve", n) / rateOf("echo", n))]));
}
