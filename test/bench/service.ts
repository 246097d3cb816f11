/**
 * Measures the service of a machine: from a shell's start to its row, with the real hooks of bash, zsh and fish; what the
 * service costs beside a thousand open shells, idle and with fifty starts and ends a second; and what becomes of both
 * while one user floods the spool, and after that. Needs root. Writes a line of JSON for each figure, asserts nothing.
 * BENCH_SHELLS says how many stay open, 1,000 by default; BENCH_RUNS how many starts are timed at a time, 100 by default;
 * BENCH_SECONDS how long processor time is counted, 40 by default; BENCH_FLOOD how many files the flood has, 100,000.
 */
import { type ChildProcess, spawn as spawnChild } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import { createSandbox, type RunningServer, root } from "../support/sandbox.ts";
import { createSpoolService, type SpoolService } from "../support/shells/spool.ts";
import { createUser, type User } from "../support/users.ts";
import { percentile, rounded } from "./statistics.ts";

const [shells, runs, seconds, floodFiles] = (
  [
    ["BENCH_SHELLS", 1_000],
    ["BENCH_RUNS", 100],
    ["BENCH_SECONDS", 40],
    ["BENCH_FLOOD", 100_000],
  ] as const
).map(([name, fallback]) => Number(process.env[name] ?? fallback)) as [number, number, number, number];
const kinds = ["bash", "zsh", "fish"] as const;
type Kind = (typeof kinds)[number];
const startsPerSecond = 50;
const latestMs = 60_000;
const settlingMs = 180_000;

const endings: (() => unknown)[] = [];
const t = { after: (ending: unknown) => void endings.unshift(ending as () => unknown) };
async function measureAll(): Promise<void> {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const [ann, bob] = [createUser(t, sandbox), createUser(t, sandbox)];
  const server = await service.serve();
  const place = { service, server, user: ann, rows: openRows(service) };
  for (const kind of kinds) await tellLatency("nothing else open", place, [kind]);
  await openIdle(service, bob);
  await tellCost(`${shells} shells open`, server);
  await tellLatency(`${shells} shells open`, place, kinds);
  const stir = start(bob, stirring, [service.folder, String(1 / startsPerSecond)]);
  await tellCost(`${shells} shells open, ${startsPerSecond} starts and ends a second`, server);
  await tellLatency(`${shells} shells open, ${startsPerSecond} starts and ends a second`, place, kinds, seconds * 1000);
  stir.kill("SIGKILL");
  const flood = start(createUser(t, sandbox), flooding, [service.folder, String(floodFiles)]);
  const over = once(flood, "exit");
  await tellLatency(`a flood of ${floodFiles} files`, place, kinds, 0, over);
  await tellLatency(`after the flood`, place, kinds);
  await tellCost("after the flood", server);
  // At first it works through what this user may have recorded without a pause.
  await sleep(settlingMs);
  await tellCost(`after the flood, ${settlingMs / 60_000} minutes later`, server);
  await server.stop();
}

interface Place {
  readonly service: SpoolService;
  readonly server: RunningServer;
  readonly user: User;
  /** Waits until a process has a row. @returns when its shell says that it started, in milliseconds since the epoch */
  readonly rows: (pid: number) => Promise<number>;
}

interface Latency {
  readonly launched: number;
  readonly written: number;
}

/** Times starts one after the other; at least so many, and as long as it takes. */
async function tellLatency(
  beside: string,
  place: Place,
  shellKinds: readonly Kind[],
  leastMs = 0,
  until: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  const found: Latency[] = [];
  let isOver = false;
  void until.then(() => {
    isOver = true;
  });
  const began = performance.now();
  for (let at = 0; at < runs || performance.now() - began < leastMs || !isOver; at += 1) {
    found.push(await latencyOf(place, shellKinds[at % shellKinds.length] ?? "bash"));
  }
  for (const from of ["launched", "written"] as const) {
    const values = found.map((latency) => latency[from]);
    const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) => rounded(percentile(values, share)));
    const shell = shellKinds.join(" ");
    tell({ benchmark: "service latency", shell, beside, from, starts: found.length, p50, p95, p99, max });
  }
}

/** @returns milliseconds to a shell's row: from its launch, and from when its hook began to write, by its own clock */
async function latencyOf({ service, user, rows }: Place, kind: Kind): Promise<Latency> {
  const folder = rcFolder(user, kind);
  const [program = "", ...args] = [
    ...user.under,
    kind,
    ...(kind === "bash" ? ["--rcfile", join(folder, "rc"), "-i"] : ["-i"]),
  ];
  const env = {
    ...{ PATH: "/usr/bin:/bin", HOME: user.home, TERM: "dumb", ZDOTDIR: folder, XDG_CONFIG_HOME: folder },
    ...{ SESSION_BUDDY_SPOOL: service.folder, SESSION_BUDDY_HOME: join(user.home, "sb") },
  };
  const launched = performance.now();
  const terminal = spawn(program, args, { env, cwd: user.home, name: "dumb" });
  const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
  const startedMs = await rows(terminal.pid);
  const found = { launched: performance.now() - launched, written: Date.now() - startedMs };
  terminal.write("exit\r");
  await ended;
  return found;
}

const folders = new Map<Kind, string>();

function rcFolder(user: User, kind: Kind): string {
  const known = folders.get(kind);
  if (known !== undefined) return known;
  const folder = join(user.home, kind);
  const rcFile = join(folder, { bash: "rc", zsh: ".zshrc", fish: "fish/config.fish" }[kind]);
  execute(["mkdir", "-p", join(rcFile, ".."), join(user.home, ".local/share/fish/generated_completions")]);
  writeFileSync(rcFile, `. '${root}/shell-hooks/session-buddy.${kind}'\n`);
  execute(["chown", "-R", String(user.uid), user.home]);
  folders.set(kind, folder);
  return folder;
}

function execute([program = "", ...args]: readonly string[]): void {
  process.getBuiltinModule("node:child_process").execFileSync(program, args);
}

/** Reads the service's database itself, so that asking costs the service nothing. */
function openRows({ home }: SpoolService): Place["rows"] {
  const database = new DatabaseSync(join(home, "sessions.db"), { readOnly: true });
  t.after(() => database.close());
  const found = database.prepare("SELECT started_at FROM sessions WHERE pid = ? AND state = 'active' LIMIT 1");
  return async (pid) => {
    const began = performance.now();
    for (;;) {
      const row = found.get(pid);
      if (row !== undefined) return Date.parse(String(row.started_at));
      if (performance.now() - began > latestMs) throw new Error(`process ${pid} is not on record after ${latestMs} ms`);
      await sleep(1);
    }
  };
}

async function tellCost(beside: string, { child }: RunningServer): Promise<void> {
  const before = usageOf(child.pid ?? 0);
  await sleep(seconds * 1000);
  const after = usageOf(child.pid ?? 0);
  const cpuPercent = rounded((100 * (after.cpuMs - before.cpuMs)) / (seconds * 1000));
  tell({ benchmark: "service cost", beside, seconds, cpu_percent: cpuPercent, resident_mb: rounded(after.residentMb) });
}

function usageOf(pid: number): { readonly cpuMs: number; readonly residentMb: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  // Fields 14 and 15, in hundredths of a second (proc_pid_stat(5)).
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, residentMb: Number(resident) / 1024 };
}

function tell(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

function start({ under, home }: User, script: string, args: readonly string[]): ChildProcess {
  const [program = "", ...command] = [...under, "bash", "--norc", "-c", script, "bash", ...args];
  const child = spawnChild(program, command, {
    cwd: home,
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  t.after(() => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It has gone already.
    }
  });
  return child;
}

/** What the hook writes, for processes that cost nothing else. */
const writing = String.raw`
IFS= read -r boot </proc/sys/kernel/random/boot_id
umask 007
begin() {
  local stat id uptime
  IFS= read -r stat <"/proc/$BASHPID/stat"
  stat=\${stat##*) }
  set -- $stat
  read -r uptime _ </proc/uptime
  IFS= read -r id </proc/sys/kernel/random/uuid
  file=$spool/$boot.$BASHPID.\${20}
  printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=bash\0version=5\0exe=%s\0cwd=%s\0component=\0.\0' \
    "$id" "$EPOCHREALTIME" "$uptime" "$BASHPID" "$PPID" "$BASH" "$PWD" >"$file"
}
`.replaceAll("\\$", "$");

const opening = `${writing}
spool=$1
exec 3<&0
for ((at = 0; at < $2; at++)); do { begin; read -r <&3; } & done
echo opened
wait`;

const stirring = `${writing}
spool=$1
pause() { read -rt "$1" <> <(:); }
exec 3<> <(:)
for ((;;)); do
  {
    begin
    printf '\\0end/1\\0time=%s\\0uptime=\\0code=0\\0reason=exit\\0signal=\\0.\\0' "$EPOCHREALTIME" >>"$file"
  } &
  read -rt "$2" <&3
done`;

const flooding = `${writing}
spool=$1
cd "$spool"
for ((at = 0; at < $2; at++)); do
  printf '\\0start/1\\0id=\\0time=%s\\0uptime=1\\0shell=bash\\0cwd=/\\0.\\0' "$EPOCHREALTIME" >"$boot.$((at % 4000000 + 100000)).$((at + 1))"
done`;

async function openIdle(service: SpoolService, user: User): Promise<void> {
  const child = start(user, opening, [service.folder, String(shells)]);
  await once(child.stdout as NodeJS.EventEmitter, "data");
  const database = new DatabaseSync(join(service.home, "sessions.db"), { readOnly: true });
  const count = database.prepare("SELECT count(*) AS count FROM sessions WHERE state = 'active'");
  while (Number(count.get()?.count) < shells) await sleep(100);
  database.close();
}

try {
  await measureAll();
} finally {
  for (const ending of endings) await ending();
}
