/**
 * Measures what the hook adds to a shell in its foreground: from its launch to the first prompt, and from `exit` to its
 * death, against one `/bin/true` in the same places, with a personal record and with the machine's; how many processes it
 * makes; and beside it what two other tools add that people have in their startup files, where they are installed.
 * Writes figures, asserts nothing. The 10th percentile is what the machine's other work disturbs least.
 *
 *     node test/bench/hooks.ts [SHELL...]
 *
 * BENCH_RUNS says how often each shell is opened, 40 by default; BENCH_OTHER_HOOKS names a folder of hooks to compare with.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import { root } from "../support/sandbox.ts";
import { printTable } from "./print.ts";
import { percentile } from "./statistics.ts";

const promptMark = "@@";
const records = ["personal", "machine"] as const;
const tools = { zoxide: "init", direnv: "hook" } as const;
const hooks = join(root, "shell-hooks");
const otherHooks = process.env.BENCH_OTHER_HOOKS;

interface ShellKind {
  readonly name: string;
  readonly args: (folder: string) => string[];
  /** Where the rc file of a variant goes, from its folder. */
  readonly rcFile: string;
  readonly prompt: string;
  /** One `/bin/true` at the start and one at the exit. */
  readonly oneTrue: string;
  /** Runs what a command prints. */
  readonly evaluate: (command: string) => string;
}

const kinds: readonly ShellKind[] = [
  {
    name: "bash",
    args: (folder) => ["--rcfile", join(folder, "rc"), "-i"],
    rcFile: "rc",
    prompt: `PS1='${promptMark}'`,
    oneTrue: "/bin/true\ntrap /bin/true EXIT",
    evaluate: (command) => `eval "$(${command})"`,
  },
  {
    name: "zsh",
    args: () => ["-i"],
    rcFile: ".zshrc",
    prompt: `PS1='${promptMark}'`,
    oneTrue: "/bin/true\nzshexit() { /bin/true }",
    evaluate: (command) => `eval "$(${command})"`,
  },
  {
    name: "fish",
    args: () => ["-i"],
    rcFile: "fish/config.fish",
    prompt: `function fish_prompt; echo -n '${promptMark}'; end\nfunction fish_greeting; end`,
    oneTrue: "/bin/true\nfunction at_exit --on-event fish_exit; /bin/true; end",
    evaluate: (command) => `${command} | source`,
  },
];

interface Place {
  readonly env: Record<string, string>;
  readonly folder: string;
  readonly stateFolder: string;
}

/** What a shell is opened with: its name in the figures, and the lines in its rc file. */
interface Variant {
  readonly name: string;
  readonly lines: (kind: ShellKind) => string;
}

const empty: Variant = { name: "empty", lines: () => "" };
const oneTrue: Variant = { name: "/bin/true", lines: (kind) => kind.oneTrue };

const sourced = (folder: string) => (kind: ShellKind) => `. '${folder}/session-buddy.${kind.name}'`;

const ours: readonly Variant[] = [
  ...records.map((name) => ({ name, lines: sourced(hooks) })),
  ...(otherHooks === undefined ? [] : [{ name: "other hooks", lines: sourced(otherHooks) }]),
];

const theirs: readonly Variant[] = Object.entries(tools)
  .filter(([tool]) => existsSync(join("/usr/bin", tool)))
  .map(([tool, word]) => ({ name: tool, lines: (kind) => kind.evaluate(`${tool} ${word} ${kind.name}`) }));

/** What one variant adds to one moment of a shell; the ratios are times one `/bin/true`. */
export interface HookCost {
  readonly shell: string;
  readonly added: string;
  readonly moment: "start" | "exit";
  readonly ms: number;
  readonly ratio: number;
  readonly ratioOfMedians: number;
  /** Made from the launch to the end of the shell; unknown of other tools. */
  readonly processes: number | "";
}

type Times = Record<HookCost["moment"], number[]>;

/** @param runs - how often each shell is opened with each variant */
export async function measureHooks(
  runs: number,
  shells = kinds.map((kind) => kind.name),
): Promise<readonly HookCost[]> {
  const workplace = mkdtempSync(join(tmpdir(), "session-buddy-bench-"));
  try {
    const costs: HookCost[] = [];
    for (const kind of kinds) if (shells.includes(kind.name)) costs.push(...(await measure(kind, workplace, runs)));
    return costs;
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
}

async function measure(kind: ShellKind, workplace: string, runs: number): Promise<readonly HookCost[]> {
  const added = [oneTrue, ...ours, ...theirs];
  const figures = [empty, ...added].map((variant) => ({
    variant,
    place: prepare(kind, variant, workplace),
    times: { start: [], exit: [] } as Times,
  }));
  // One round to warm up, then interleaved, so that a drift of the machine meets all alike.
  for (let round = 0; round <= runs; round += 1) {
    for (const { place, times } of figures) {
      const { start, exit } = await once(kind, place);
      if (round > 0) times.start.push(start);
      if (round > 0) times.exit.push(exit);
    }
  }
  const timesOf = (wanted: Variant) =>
    figures.find(({ variant }) => variant === wanted)?.times ?? { start: [], exit: [] };
  return (["start", "exit"] as const).flatMap((moment) => {
    const adds = (variant: Variant, share: number) =>
      percentile(timesOf(variant)[moment], share) - percentile(timesOf(empty)[moment], share);
    return added.map((variant) => ({
      shell: kind.name,
      added: variant.name,
      moment,
      ms: round2(adds(variant, 0.1)),
      ratio: round2(adds(variant, 0.1) / adds(oneTrue, 0.1)),
      ratioOfMedians: round2(adds(variant, 0.5) / adds(oneTrue, 0.5)),
      processes: ours.includes(variant) ? countProcesses(kind, variant, workplace) : ("" as const),
    }));
  });
}

function prepare(kind: ShellKind, variant: Variant, workplace: string, lines = variant.lines(kind)): Place {
  const folder = mkdtempSync(join(workplace, `${kind.name}-`));
  const rcFile = join(folder, kind.rcFile);
  const home = join(folder, "home");
  const stateFolder = join(folder, "sb/shells");
  mkdirSync(join(rcFile, ".."), { recursive: true });
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  execFileSync("chmod", ["1700", join(folder, "sb"), stateFolder]);
  // A fish with a new home would parse every manual page in the background.
  mkdirSync(join(home, ".local/share/fish/generated_completions"), { recursive: true });
  // A service would keep the files; here the shells' own are removed.
  const spool = join(folder, "spool");
  mkdirSync(spool);
  chmodSync(spool, 0o3733);
  writeFileSync(rcFile, `${kind.prompt}\n${lines}\n`);
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: home,
    TERM: "dumb",
    ZDOTDIR: folder,
    XDG_CONFIG_HOME: folder,
    SESSION_BUDDY_HOME: join(folder, "sb"),
    SESSION_BUDDY_SPOOL: variant.name === "machine" ? spool : "",
  };
  return { env, folder, stateFolder };
}

/** @returns milliseconds from launch to prompt and from `exit` to the end of the process. */
async function once(kind: ShellKind, place: Place): Promise<{ start: number; exit: number }> {
  const launched = performance.now();
  const terminal = spawn(kind.name, kind.args(place.folder), { env: place.env, cwd: place.folder, name: "dumb" });
  const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
  await new Promise<void>((resolve) => {
    let seen = "";
    terminal.onData((text) => {
      seen += text;
      if (seen.includes(promptMark)) resolve();
    });
  });
  const start = performance.now() - launched;
  await untilQuiet(place, 1);
  const asked = performance.now();
  terminal.write("exit\r");
  await ended;
  const exit = performance.now() - asked;
  await untilQuiet(place, 0);
  return { start, exit };
}

/** The program in the background would compete for the processor with what is measured next. */
async function untilQuiet({ stateFolder }: Place, left: number): Promise<void> {
  const files = () => readdirSync(stateFolder).filter((name) => !name.startsWith("."));
  for (let tries = 0; files().length > left && tries < 500; tries += 1) await sleep(10);
  await sleep(120);
}

/** Counts in a pid namespace of its own, with a program that does nothing. */
function countProcesses(kind: ShellKind, variant: Variant, workplace: string): number {
  const installed = mkdtempSync(join(workplace, "installed-"));
  cpSync(variant.name === "other hooks" ? String(otherHooks) : hooks, join(installed, "shell-hooks"), {
    recursive: true,
  });
  mkdirSync(join(installed, "bin"));
  symlinkSync("/bin/true", join(installed, "bin/session-buddy"));
  const [without = 0, withHook = 0] = ["", sourced(join(installed, "shell-hooks"))(kind)].map((lines) => {
    const place = prepare(kind, variant, workplace, lines);
    const shell = [kind.name, ...kind.args(place.folder)].map((word) => `'${word}'`).join(" ");
    const script = `printf 'exit\\n' | script -qfec "${shell}" /dev/null >/dev/null; sleep 0.5; cat /proc/sys/kernel/ns_last_pid`;
    const output = execFileSync("unshare", ["--pid", "--fork", "--mount-proc", "sh", "-c", script], {
      env: place.env,
      encoding: "utf8",
    });
    return Number(output.trim());
  });
  return withHook - without;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

if (import.meta.main) {
  const shells = process.argv.slice(2);
  const costs = await measureHooks(Number(process.env.BENCH_RUNS ?? 40), shells.length > 0 ? shells : undefined);
  printTable("What is added to a shell, against one /bin/true (10th percentiles)", costs);
  process.stdout.write(`${JSON.stringify(costs)}\n`);
}
