/** The machine's spool with its service, run as a system user without privileges, and shells of real users beside it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { type Outcome, type RunningServer, runToEnd, type Sandbox } from "../sandbox.ts";
import { createUser, type User } from "../users.ts";

export interface SpoolService {
  readonly user: User;
  readonly folder: string;
  /** Where it answers. */
  readonly socket: string;
  /** What the service has for SESSION_BUDDY_HOME. */
  readonly home: string;
  /** Starts the service. */
  serve(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunningServer>;
  /** Asks the service's own record, as its user. */
  ask(args: readonly string[]): Promise<Outcome>;
  /** All sessions on record, newest first. */
  sessions(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Names of the files that lie in the spool. */
  names(): readonly string[];
}

/** Makes the folder as the installation does, and a user to keep it. */
export function createSpoolService(t: Pick<TestContext, "after">, sandbox: Sandbox, folder?: string): SpoolService {
  const user = createUser(t, sandbox);
  const spool = folder ?? join(sandbox.folder, "spool", "shells");
  const home = join(sandbox.folder, "service");
  mkdirSync(spool, { recursive: true });
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, user.uid, user.gid);
  openSpool(spool, user);
  const run = join(sandbox.folder, "run");
  mkdirSync(run);
  chownSync(run, user.uid, user.gid);
  const socket = join(run, "socket");
  const env = { SESSION_BUDDY_HOME: home, SESSION_BUDDY_SPOOL: "", SESSION_BUDDY_SOCKET: socket };
  const ask = (args: readonly string[]) => user.run(args, { env });
  return {
    user,
    folder: spool,
    socket,
    home,
    serve: (args = [], extra = {}) => sandbox.serve({ ...env, ...extra }, user.under, ["--spool", spool, ...args]),
    ask,
    async sessions() {
      const { status, stdout, stderr } = await ask(["list", "--all", "--limit", "100000", "--json"]);
      if (status !== 0) throw new Error(stderr);
      return JSON.parse(stdout);
    },
    names: () => readdirSync(spool).filter((name) => !name.startsWith(".")),
  };
}

/** Gives a folder the owner and the mode of a spool. */
export function openSpool(folder: string, { uid, gid }: Pick<User, "uid" | "gid">): void {
  chownSync(folder, uid, gid);
  chmodSync(folder, 0o3733);
}

export interface SpoolShell {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Path of its file. */
  readonly file: string;
  readonly name: string;
  /** Runs a line in it. */
  tell(line: string): void;
  /** It tells its end and is gone when this resolves. */
  exit(code?: number): Promise<void>;
  /** It is gone when this resolves, and has told nothing. */
  kill(): Promise<void>;
}

/** What a shell does with its file, in the form of the hook: builtins alone. */
const script = String.raw`
spool=$1
IFS= read -r boot </proc/sys/kernel/random/boot_id
IFS= read -r stat <"/proc/$$/stat"
stat=\${stat##*) }
set -- $stat
ticks=\${20}
IFS= read -r id </proc/sys/kernel/random/uuid
read -r uptime _ </proc/uptime
umask 007
set -C
file=$spool/$boot.$$.$ticks
suffix=0
while [[ -e $file || -L $file ]]; do file=$spool/$boot.$$.$ticks.$((++suffix)); done
start() {
  printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=bash\0version=5\0exe=%s\0cwd=%s\0component=\0login_uid=%s\0.\0' \
    "$id" "$EPOCHREALTIME" "$uptime" "$$" "$PPID" "$BASH" "$PWD" "$LOGIN_UID" >"$file"
}
end() {
  read -r uptime _ </proc/uptime
  printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=exit\0signal=\0.\0' "$EPOCHREALTIME" "$uptime" "$1" >>"$file"
}
start
printf '%s\n' "$file"
while read -r line; do eval "$line"; done
`.replaceAll("\\$", "$");

/**
 * Opens a shell of a user that leaves its file in the spool; the file is there when this resolves.
 *
 * @param loginUid - what it says of who logged in; nothing by default
 */
export async function openShell(
  t: Pick<TestContext, "after">,
  spool: string,
  { under, home }: Pick<User, "under" | "home">,
  loginUid = "",
): Promise<SpoolShell> {
  const [program = "", ...args] = [...under, "bash", "--norc", "-c", script, "bash", spool];
  const child = spawn(program, args, {
    cwd: home,
    env: { PATH: process.env.PATH, LOGIN_UID: loginUid },
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [file] = (await once(createInterface(child.stdout), "line")) as [string];
  const gone = once(child, "exit");
  const tell = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    child,
    pid: child.pid ?? 0,
    file,
    name: basename(file),
    tell,
    async exit(code = 0) {
      tell(`end ${code}; exit ${code}`);
      await gone;
    },
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** What one of many shells did: it told its end with this status, or it was killed in silence. */
export interface ManyShell {
  readonly username: string;
  readonly pid: number;
  readonly exitCode: number | null;
}

/** Each a process of its own, which opens, lives for a moment, and tells its end or is killed. */
const manyScript = String.raw`
spool=$1 count=$2 most=$3
IFS= read -r boot </proc/sys/kernel/random/boot_id
umask 007
set -C
one() {
  local stat ticks id uptime pause
  IFS= read -r stat <"/proc/$BASHPID/stat"
  stat=\${stat##*) }
  set -- $1 $stat
  ticks=\${21}
  IFS= read -r id </proc/sys/kernel/random/uuid
  read -r uptime _ </proc/uptime
  file=$spool/$boot.$BASHPID.$ticks
  printf '\0start/1\0id=%s\0time=%s\0uptime=%s\0pid=%s\0ppid=%s\0shell=bash\0version=5\0exe=%s\0cwd=%s\0component=\0.\0' \
    "$id" "$EPOCHREALTIME" "$uptime" "$BASHPID" "$PPID" "$BASH" "$PWD" >"$file"
  printf -v pause '0.%03d' $((RANDOM % (most + 1)))
  if ((most > 0)); then read -t "$pause" <> <(:); fi
  if (($1 % 3 == 0)); then
    printf '%s silent\n' "$BASHPID"
    kill -KILL "$BASHPID"
  fi
  read -r uptime _ </proc/uptime
  printf '\0end/1\0time=%s\0uptime=%s\0code=%s\0reason=exit\0signal=\0.\0' "$EPOCHREALTIME" "$uptime" $(($1 % 200)) >>"$file"
  printf '%s %s\n' "$BASHPID" $(($1 % 200))
}
for ((at = 1; at <= count; at++)); do
  one $at &
  if ((at % 20 == 0)); then wait; fi
done 2>/dev/null
wait 2>/dev/null
`.replaceAll("\\$", "$");

/**
 * Opens many shells of a user, twenty at once, and waits until all are gone.
 *
 * @param mostMs - how long one lives at most, 0 to 999 milliseconds; each third is killed then
 */
export async function openMany(
  spool: string,
  { under, home, name }: Pick<User, "under" | "home" | "name">,
  count: number,
  mostMs: number,
): Promise<readonly ManyShell[]> {
  const [program = "", ...args] = [
    ...under,
    "bash",
    "--norc",
    "-c",
    manyScript,
    "bash",
    spool,
    String(count),
    String(mostMs),
  ];
  const { stdout, stderr } = await runToEnd(program, args, { cwd: home, env: { PATH: process.env.PATH ?? "" } });
  const lines = stdout.trimEnd().split("\n");
  if (lines.length !== count) throw new Error(`${lines.length} of ${count} shells: ${stderr}`);
  return lines.map((line) => {
    const [pid = "", told = ""] = line.split(" ");
    return { username: name, pid: Number(pid), exitCode: told === "silent" ? null : Number(told) };
  });
}
