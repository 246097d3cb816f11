/** Owns running this program as the user of the machine's service, for root: what it makes is the service's own, and it can do no more than the service. */
import { spawn } from "node:child_process";
import type { Environment } from "../config/environment.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** Whose process it is, and where that user's record lies. */
export interface ServiceAccount {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** The value of SESSION_BUDDY_HOME. */
  readonly home: string;
}

export interface ServiceRun {
  readonly program: string;
  readonly args: readonly string[];
  /** For its standard input. */
  readonly input: string;
  readonly env: Environment;
}

const largestOutput = 1024 * 1024;
/** One that was killed has no exit status. */
const stoppedStatus = 5;
const kept = ["LANG", "LC_ALL", "LC_CTYPE", "TZ", "PATH", "NO_COLOR", "SESSION_BUDDY_NODE"];

/** @throws SessionBuddyError `usage` when the program cannot be run as that user */
export function runAsService(
  { uid, gid, name, home }: ServiceAccount,
  { program, args, input, env: own }: ServiceRun,
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  // Nothing of root's: its folders are not that user's.
  const env = Object.fromEntries(kept.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]]])));
  const child = spawn(program, args, {
    uid,
    gid,
    cwd: "/",
    env: { ...env, HOME: home, USER: name, LOGNAME: name, SESSION_BUDDY_HOME: home },
    stdio: ["pipe", "pipe", "pipe"],
    // A process of that user on root's terminal could type on it.
    detached: true,
  });
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stdout.length > largestOutput) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = `${stderr}${text}`.slice(-largestOutput);
    });
    // One that ends before it has read it.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", (error) => reject(notRun(name, error)));
    child.once("close", (status) => resolve({ status: status ?? stoppedStatus, stdout, stderr }));
  });
}

function notRun(name: string, error: Error): SessionBuddyError {
  return new SessionBuddyError(
    "usage",
    `the program cannot be run as ${name}: ${error.message}; run the one that 'session-buddy install --system' has put in place`,
    { cause: error },
  );
}
