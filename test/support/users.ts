/** Real users of this system, made for one test. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.ts";
import { launcher, type Outcome, type RunOptions, runToEnd, type Sandbox } from "./sandbox.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  /** Of its own group; not always the number of the user. */
  readonly gid: number;
  readonly home: string;
  /** A command line that runs the one after it as this user. */
  readonly under: readonly string[];
  /** Runs a line of shell as this user, in its home; throws where that fails. */
  shell(line: string): Promise<void>;
  /** Runs `session-buddy` from a shell of this user, with folders in its home. */
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
}

let made = 0;

/** The user is removed, and its home with the sandbox, when the test is done. Only root can make users. */
export function createUser(t: Pick<TestContext, "after">, sandbox: Sandbox): User {
  if (process.geteuid?.() !== 0) throw new Error("this test makes users of the system, which only root can");
  made += 1;
  const name = `sb-test-${process.pid}-${made}`;
  const home = join(sandbox.folder, name);
  chmodSync(sandbox.folder, 0o755);
  mkdirSync(home, { mode: 0o755 });
  execFileSync("useradd", ["--no-create-home", "--home-dir", home, "--user-group", name], { stdio: "ignore" });
  t.after(() => removeUser(name));
  const [uid = 0, gid = 0] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, name], { encoding: "utf8" })));
  chownSync(home, uid, gid);
  chmodSync(home, 0o755);
  const under = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--inh-caps=-all"];
  const env = { PATH: sandbox.env.PATH ?? "", LANG: "C.UTF-8", HOME: home, SESSION_BUDDY_SPOOL: "" };
  const as = (command: readonly string[], options: RunOptions = {}) =>
    runToEnd(under[0] ?? "", [...under.slice(1), ...command], {
      ...options,
      env: { ...env, ...options.env },
      cwd: options.cwd ?? home,
    });
  return {
    name,
    uid,
    gid,
    home,
    under,
    async shell(line) {
      const { status, stderr } = await as(["sh", "-euc", line]);
      if (status !== 0) throw new Error(`${line}: ${stderr}`);
    },
    run: (args, options) => as(["sh", "-c", '"$@"; exit $?', "sh", launcher, ...args], options),
  };
}

/** A user whose processes still run cannot be removed. */
function removeUser(name: string): Promise<void> {
  return eventually(() => {
    spawnSync("pkill", ["-KILL", "-U", name]);
    execFileSync("userdel", [name], { stdio: "ignore" });
  });
}
