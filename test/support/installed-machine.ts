/**
 * A machine of its own for one test: `/etc`, `/var`, `/home`, `/run` and `/usr/local` are the test's, in a mount namespace, so
 * that root can install there and the machine that runs the tests stays as it is.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Outcome, type RunOptions, root, runToEnd } from "./sandbox.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ownFolders = ["/etc", "/var", "/home", "/run", "/usr/local"];
/** What the tools for users change beside the files that they are there for. */
const madeByTools = /^\/etc\/(?:\.pwd\.lock|(?:passwd|group|shadow|gshadow|subuid|subgid)-)$/;

export interface MachineOptions {
  /** Whether it has a Node.js that is new enough, so that none has to be copied; it has by default. */
  readonly hasNode?: boolean;
}

/** What `--json` prints about one step. */
export interface Row {
  readonly part: string;
  readonly subject: string;
  readonly action: string;
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export interface TestMachine {
  /** A folder of root's, with a copy of the program in `program`; the same inside and outside. */
  readonly folder: string;
  /** Where the launcher of that copy is. */
  readonly launcher: string;
  /** Where a path of the machine lies for the test. */
  at(path: string): string;
  /** The environment of a program there. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program on the machine, to its end. */
  run(command: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Runs lines of sh on it; throws where they fail. */
  shell(lines: string): Promise<string>;
  /** Runs `session-buddy` from the copy. */
  buddy(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** The same with `--json`, which must succeed. */
  rows(args: readonly string[]): Promise<readonly Row[]>;
  /** A command line that runs the one after it on the machine. */
  readonly under: readonly string[];
  /** @returns a line for each path of the machine: owner, mode, and what it holds */
  tree(): ReadonlyMap<string, string>;
}

/** Everything is gone when the test is done. Only root can do this. */
export async function createTestMachine(t: TestContext, { hasNode = true }: MachineOptions = {}): Promise<TestMachine> {
  const folder = temporaryFolder(t);
  const launcher = copyProgram(join(folder, "program"));
  chmodSync(folder, 0o755);
  const holder = spawn(
    "unshare",
    ["--mount", "sh", "-euc", setUp, "sh", folder, hasNode ? process.execPath : "", String(systemUid)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.after(async () => {
    holder.kill("SIGKILL");
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, "exit");
  });
  const [said] = await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
  if (String(said) !== "ready\n") throw new Error("the machine cannot be made");

  const under = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--"];
  const env = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/home/admin" };
  const run = (command: readonly string[], options: RunOptions = {}) =>
    runToEnd("nsenter", [...under.slice(1), ...command], { cwd: "/", ...options, env: { ...env, ...options.env } });
  const buddy = (args: readonly string[], options?: RunOptions) => run([launcher, ...args], options);
  const at = (path: string) => join(`/proc/${holder.pid}/root`, path);
  return {
    folder,
    launcher,
    env,
    under,
    at,
    run,
    buddy,
    async rows(args) {
      const { status, stdout, stderr } = await buddy([...args, "--json"]);
      assert.deepEqual([status, stderr], [0, ""], stdout);
      return JSON.parse(stdout);
    },
    async shell(lines) {
      const { status, stdout, stderr } = await run(["sh", "-euc", lines]);
      if (status !== 0) throw new Error(`${lines}: ${stderr}`);
      return stdout;
    },
    tree: () => new Map(ownFolders.flatMap((name) => treeOf(at(name), name))),
  };
}

/** Root's, and whole: what an administrator has who built it in a place of root's. */
function copyProgram(to: string): string {
  mkdirSync(to);
  for (const part of ["bin", "dist", "shell-hooks", "LICENSE"])
    cpSync(join(root, part), join(to, part), { recursive: true });
  mkdirSync(join(to, "node_modules/node/bin"), { recursive: true });
  execFileSync("cp", [process.execPath, join(to, "node_modules/node/bin/node")]);
  execFileSync("chown", ["-R", "0:0", to]);
  execFileSync("chmod", ["-R", "u+rwX,go-w,go+rX", to]);
  return join(to, "bin/session-buddy");
}

/**
 * The highest id of a system user there. A user is not removed while a process has its id, and that may be one of another
 * test's machine, which runs at the same time.
 */
const systemUid = 201 + (process.pid % 350) * 2;

/** In memory, where nothing has to wait for a disk. */
const setUp = `
  mkdir "$1/root"
  mount -t tmpfs -o mode=755 tmpfs "$1/root"
  cd "$1/root"
  mkdir -p var/lib var/spool var/tmp home/admin run usr/local/bin usr/local/lib
  # Other tests make users meanwhile.
  cp -a /etc etc 2>/dev/null || :
  rm -f etc/*.lock
  sed -i '/^#*SYS_UID_M/d' etc/login.defs
  printf 'SYS_UID_MIN %s\\nSYS_UID_MAX %s\\n' "$(($3 - 1))" "$3" >> etc/login.defs
  test -s etc/passwd -a -s etc/shadow -a -s etc/group
  if [ "$2" ]; then ln -s "$2" usr/local/bin/node; fi
  for name in ${ownFolders.join(" ")}; do mount --bind ".$name" "$name"; done
  cd /
  echo ready
  exec sleep infinity
`;

function treeOf(folder: string, name: string): [string, string][] {
  return [[name, lineOf(folder)] as [string, string], ...below(folder, name)].filter(
    ([path]) => !madeByTools.test(path),
  );
}

/** Links are not followed. */
function below(folder: string, name: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [path, shown] = [join(folder, entry.name), join(name, entry.name)];
    return [[shown, lineOf(path)] as [string, string], ...(entry.isDirectory() ? below(path, shown) : [])];
  });
}

function lineOf(path: string): string {
  const stats = lstatSync(path);
  const kind = stats.isFile() ? readFileSync(path, "latin1") : stats.isSymbolicLink() ? readlinkSync(path) : "";
  return [stats.uid, stats.gid, stats.mode.toString(8), stats.nlink > 1 && stats.isFile() ? "linked" : "", kind].join(
    " ",
  );
}

/** @returns what differs between two looks at a machine, a line each */
export function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => {
      const [was, is] = [before.get(path), after.get(path)];
      return `${was === undefined ? "new" : is === undefined ? "gone" : "changed"} ${path}`;
    });
}
