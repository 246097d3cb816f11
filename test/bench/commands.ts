/** Measures what a start and an end cost, launcher included, against an empty program of the same Node.js. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { buildWith } from "../support/build.ts";
import { runToEnd, type Sandbox } from "../support/sandbox.ts";
import { median, rounded } from "./statistics.ts";

/** One command's cost beside that of `node -e 0` in the same run; medians in milliseconds. */
export interface CommandCost {
  readonly command: string;
  /** Processor time, user and system, children included. */
  readonly cpuMs: number;
  readonly emptyCpuMs: number;
  readonly cpuRatio: number;
  readonly wallMs: number;
  readonly emptyWallMs: number;
  readonly wallRatio: number;
}

interface Sample {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/**
 * @param node - the path of the Node.js that builds the program and runs it
 * @param runs - how often each command is run, each time right after an empty program
 */
export async function measureCommands(place: Sandbox, node: string, runs: number): Promise<readonly CommandCost[]> {
  const sandbox = { ...place, env: { ...place.env, SESSION_BUDDY_NODE: node } };
  const launcher = await buildWith(mkdtempSync(join(place.folder, "built-")), node);
  const file = join(sandbox.folder, "state");
  const start = () => runToEnd(launcher, ["start"], { env: sandbox.env, cwd: sandbox.folder });
  const id = async () => (await start()).stdout.trimEnd();
  const cases: readonly (readonly [command: string, args: () => Promise<string[]> | string[]])[] = [
    ["start", () => [launcher, "start"]],
    ["start --state-file", () => [launcher, "start", "--state-file", file]],
    ["end --state-file", () => [launcher, "end", "--state-file", file, "--exit-code", "0"]],
    ["end", async () => [launcher, "end", await id(), "--exit-code", "0"]],
  ];
  const samples = cases.map(() => ({ empty: [] as Sample[], own: [] as Sample[] }));
  for (let run = 0; run < runs; run += 1) {
    for (const [index, [, args]] of cases.entries()) {
      const prepared = await args();
      samples[index]?.empty.push(await timed(sandbox, [node, "-e", "0"]));
      samples[index]?.own.push(await timed(sandbox, prepared));
    }
  }
  return cases.map(([command], index) => toCost(command, samples[index]?.empty ?? [], samples[index]?.own ?? []));
}

/** bash's own `time` counts the processor time of the command and of all its children. */
async function timed(sandbox: Sandbox, command: readonly string[]): Promise<Sample> {
  const script = `TIMEFORMAT="%U %S %R"; time "$@" >/dev/null`;
  const options = { env: sandbox.env, cwd: sandbox.folder };
  const { status, stderr } = await runToEnd("bash", ["-c", script, "bash", ...command], options);
  const [user, system, wall] = stderr.trim().split(" ").map(Number);
  if (status !== 0 || user === undefined || system === undefined || wall === undefined) {
    throw new Error(`${command.join(" ")} failed: ${stderr}`);
  }
  return { cpuMs: (user + system) * 1000, wallMs: wall * 1000 };
}

function toCost(command: string, empty: readonly Sample[], own: readonly Sample[]): CommandCost {
  const cpuMs = median(own.map((sample) => sample.cpuMs));
  const emptyCpuMs = median(empty.map((sample) => sample.cpuMs));
  const wallMs = median(own.map((sample) => sample.wallMs));
  const emptyWallMs = median(empty.map((sample) => sample.wallMs));
  const figures = {
    cpuMs,
    emptyCpuMs,
    cpuRatio: cpuMs / emptyCpuMs,
    wallMs,
    emptyWallMs,
    wallRatio: wallMs / emptyWallMs,
  };
  const shown = Object.entries(figures).map(([name, value]) => [name, rounded(value)]);
  return { command, ...(Object.fromEntries(shown) as typeof figures) };
}
