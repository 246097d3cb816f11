/**
 * Measures what the hook adds to a shell in its foreground: from its launch to the first prompt, and from `exit` to its
 * death, against one `/bin/true` in the same places; and how many processes it makes. Writes figures, asserts nothing.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import { root } from "../support/sandbox.ts";

const runs = Number(process.env.BENCH_RUNS ?? 40);
const promptMark = "@@";
const variants = ["empty", "true", "hook"] as const;
type Variant = (typeof variants)[number];

interface ShellKind {
  readonly name: string;
  readonly args: (folder: string) => string[];
  /** Where the rc file of a variant goes, from its folder. */
  readonly rcFile: string;
  readonly prompt: string;
  /** One `/bin/true` at the start and one at the exit. */
  readonly oneTrue: string;
}

const kinds: readonly ShellKind[] = [
  {
    name: "bash",
    args: (folder) => ["--rcfile", join(folder, "rc"), "-i"],
    rcFile: "rc",
    prompt: `PS1='${promptMark}'`,
    oneTrue: "/bin/true\ntrap /bin/true EXIT",
  },
  {
    name: "zsh",
    args: () => ["-i"],
    rcFile: ".zshrc",
    prompt: `PS1='${promptMark}'`,
    oneTrue: "/bin/true\nzshexit() { /bin/true }",
  },
  {
    name: "fish",
    args: () => ["-i"],
    rcFile: "fish/config.fish",
    prompt: `function fish_prompt; echo -n '${promptMark}'; end\nfunction fish_greeting; end`,
    oneTrue: "/bin/true\nfunction at_exit --on-event fish_exit; /bin/true; end",
  },
];

interface Place {
  readonly env: Record<string, string>;
  readonly folder: string;
  readonly stateFolder: string;
}

const workplace = mkdtempSync(join(tmpdir(), "session-buddy-bench-"));
try {
  for (const kind of kinds) await measure(kind);
} finally {
  rmSync(workplace, { recursive: true, force: true });
}

async function measure(kind: ShellKind): Promise<void> {
  const places = new Map(variants.map((variant) => [variant, prepare(kind, variant, join(root, "shell-hooks"))]));
  const figures = new Map(variants.map((variant) => [variant, { start: [] as number[], exit: [] as number[] }]));
  // One round to warm up, then interleaved, so that a drift of the machine meets all alike.
  for (let round = 0; round <= runs; round += 1) {
    for (const variant of variants) {
      const { start, exit } = await once(kind, places.get(variant) as Place);
      if (round > 0) figures.get(variant)?.start.push(start);
      if (round > 0) figures.get(variant)?.exit.push(exit);
    }
  }
  for (const moment of ["start", "exit"] as const) {
    const [empty, one, hook] = variants.map((variant) => median(figures.get(variant)?.[moment] ?? []));
    const added = (hook ?? 0) - (empty ?? 0);
    const addedByTrue = (one ?? 0) - (empty ?? 0);
    const figure = {
      benchmark: "hook",
      shell: kind.name,
      moment,
      runs,
      empty_ms: round2(empty ?? 0),
      true_adds_ms: round2(addedByTrue),
      hook_adds_ms: round2(added),
      ratio: round2(added / addedByTrue),
    };
    process.stdout.write(`${JSON.stringify(figure)}\n`);
  }
  const processes = countProcesses(kind);
  process.stdout.write(`${JSON.stringify({ benchmark: "hook processes", shell: kind.name, ...processes })}\n`);
}

function prepare(kind: ShellKind, variant: Variant, hooks: string): Place {
  const folder = join(workplace, `${kind.name}-${variant}-${hooks.length}`);
  const rcFile = join(folder, kind.rcFile);
  const home = join(folder, "home");
  const stateFolder = join(folder, "sb/shells");
  mkdirSync(join(rcFile, ".."), { recursive: true });
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  execFileSync("chmod", ["700", join(folder, "sb")]);
  // A fish with a new home would parse every manual page in the background.
  mkdirSync(join(home, ".local/share/fish/generated_completions"), { recursive: true });
  const own = { empty: "", true: kind.oneTrue, hook: `. '${hooks}/session-buddy.${kind.name}'` }[variant];
  writeFileSync(rcFile, `${kind.prompt}\n${own}\n`);
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: home,
    TERM: "dumb",
    ZDOTDIR: folder,
    XDG_CONFIG_HOME: folder,
    SESSION_BUDDY_HOME: join(folder, "sb"),
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
function countProcesses(kind: ShellKind): { readonly start_and_exit: number } {
  const installed = join(workplace, `${kind.name}-installed`);
  cpSync(join(root, "shell-hooks"), join(installed, "shell-hooks"), { recursive: true });
  mkdirSync(join(installed, "bin"), { recursive: true });
  symlinkSync("/bin/true", join(installed, "bin/session-buddy"));
  const [empty, hook] = (["empty", "hook"] as const).map((variant) => {
    const place = prepare(kind, variant, join(installed, "shell-hooks"));
    const shell = [kind.name, ...kind.args(place.folder)].map((word) => `'${word}'`).join(" ");
    const script = `printf 'exit\\n' | script -qfec "${shell}" /dev/null >/dev/null; sleep 0.5; cat /proc/sys/kernel/ns_last_pid`;
    const output = execFileSync("unshare", ["--pid", "--fork", "--mount-proc", "sh", "-c", script], {
      env: place.env,
      encoding: "utf8",
    });
    return Number(output.trim());
  });
  return { start_and_exit: (hook ?? 0) - (empty ?? 0) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
