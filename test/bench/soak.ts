/**
 * Puts load on a server for ten minutes, kills it in the middle, and checks that every answer was true; then prints what
 * it took: two tables for a person, and one line of JSON for a program.
 *
 *     node test/bench/soak.ts [SECONDS [CONNECTIONS]]
 *
 * Six hundred seconds leave about 5 GB below TMPDIR until the end.
 */
import { createSandbox } from "../support/sandbox.ts";
import { soak } from "../support/server/soak.ts";
import { printTable } from "./print.ts";
import { percentile, rounded } from "./statistics.ts";

const [seconds = 600, connections = 32] = process.argv.slice(2).map(Number);

const endings: (() => unknown)[] = [];
const sandbox = createSandbox({ after: (ending) => void endings.unshift(ending as () => unknown) });
try {
  const { starts, ends, questions, repeated, latenciesMs, memory } = await soak(sandbox, { seconds, connections });
  const calls = { starts, ends, questions, repeated, callsPerSecond: Math.round(latenciesMs.length / seconds) };
  const latency = Object.fromEntries(
    [0.5, 0.95, 0.99, 0.999, 1].map((share) => [`p${share * 100}Ms`, rounded(percentile(latenciesMs, share))]),
  );
  const servers = memory.map((report) =>
    Object.fromEntries(Object.entries(report).map(([name, value]) => [name, value === null ? null : rounded(value)])),
  );
  printTable(`${seconds} seconds at ${connections} connections; all that was acknowledged is on record, once`, [
    { ...calls, ...latency },
  ]);
  printTable("Resident memory of the server that was killed, and of the one after it", servers);
  process.stdout.write(`${JSON.stringify({ seconds, connections, calls, latency, servers })}\n`);
} finally {
  for (const ending of endings) await ending();
}
