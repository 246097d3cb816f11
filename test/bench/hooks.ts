/**
 * Measures what the hook adds to a shell in its foreground: from its launch to the first prompt, and from `exit` to its
 * death, against one `/bin/true` in the same places, with a personal record and with the machine's; and how many processes
 * it makes. Writes figures, asserts nothing. The 10th percentile is what the machine's other work disturbs least.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import { root } from "../support/sandbox.ts";

const runs = Number(process.env.BENCH_RUNS ?? 40);
const promptMark = "@@";
const variants = ["empty", "true", "personal", "machine"] as const;
const records = ["personal", "machine"] as const;
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
    const quick = (variant: Variant) => percentile(figures.get(variant)?.[moment] ?? [], 0.1);
    const usual = (variant: Variant) => percentile(figures.get(variant)?.[moment] ?? [], 0.5);
    for (const record of records) {
      const ratio = (of: (variant: Variant) => number) => (of(record) - of("empty")) / (of("true") - of("empty"));
      const figure = {
        benchmark: "hook",
        record,
        shell: kind.name,
        moment,
        runs,
        empty_ms: round2(quick("empty")),
        true_adds_ms: round2(quick("true") - quick("empty")),
        hook_adds_ms: round2(quick(record) - quick("empty")),
        ratio: round2(ratio(quick)),
        ratio_of_medians: round2(ratio(usual)),
      };
      process.stdout.write(`${JSON.stringify(figure)}\n`);
    }
  }
  for (const record of records) {
    const processes = countProcesses(kind, record);
    process.stdout.write(
      `${JSON.stringify({ benchmark: "hook processes", record, shell: kind.name, ...processes })}\n`,
    );
  }
}

function prepare(kind: ShellKind, variant: Variant, hooks: string): Place {
  const folder = mkdtempSync(join(workplace, `${kind.name}-${variant}-`));
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
  const source = `. '${hooks}/session-buddy.${kind.name}'`;
  const own = { empty: "", true: kind.oneTrue, personal: source, machine: source }[variant];
  writeFileSync(rcFile, `${kind.prompt}\n${own}\n`);
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: home,
    TERM: "dumb",
    ZDOTDIR: folder,
    XDG_CONFIG_HOME: folder,
    SESSION_BUDDY_HOME: join(folder, "sb"),
    SESSION_BUDDY_SPOOL: variant === "machine" ? spool : "",
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
function countProcesses(kind: ShellKind, record: Variant): { readonly start_and_exit: number } {
  const installed = join(workplace, `${kind.name}-${record}-installed`);
  cpSync(join(root, "shell-hooks"), join(installed, "shell-hooks"), { recursive: true });
  mkdirSync(join(installed, "bin"), { recursive: true });
  symlinkSync("/bin/true", join(installed, "bin/session-buddy"));
  const [empty, hook] = (["empty", record] as const).map((variant) => {
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

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
