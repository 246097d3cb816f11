/**
 * Owns importing another user's record as root: a process of that user does it, which can read and write no more than the
 * user can, and which the service takes for the user. Nothing of what it says is believed more than text.
 */
import { spawn } from "node:child_process";
import type { Environment } from "../config/environment.ts";
import type { MachinePlace } from "../config/machine-place.ts";
import { findUser, type UserAccount } from "../host/accounts.ts";
import { isObject, parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { ImportReport, Refusal } from "./import-personal.ts";

export interface ImportForOptions {
  /** The path of the program, which that user may run. */
  readonly program: string;
  /** After `import --personal --json`. */
  readonly args: readonly string[];
  readonly place: MachinePlace;
  readonly env: Environment;
  readonly onProgress: (words: string) => void;
}

/** What became of it: what it did, or why it could not. */
export type ImportedFor =
  | { readonly report: ImportReport; readonly message: null }
  | { readonly report: null; readonly message: string; readonly exitStatus: number };

const root = 0;
const largestOutput = 1024 * 1024;
/** One that was killed has no exit status, and its import is not complete. */
const stoppedStatus = 5;
const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * @returns the account of the user; null when it is the one who runs this program
 * @throws SessionBuddyError `usage` when there is no such user, or this program is not run by root
 */
export function accountToImportFor(name: string): UserAccount | null {
  const account = findUser(name);
  if (account === null) throw new SessionBuddyError("usage", `there is no user '${name}' on this machine`);
  const own = process.geteuid?.();
  if (account.uid === own) return null;
  if (own === root) return account;
  throw new SessionBuddyError(
    "usage",
    `only root imports the record of another user; ${name} can run 'session-buddy import --personal'`,
  );
}

/** Runs the program as that user, away from root's terminal. */
export function importFor(account: UserAccount, name: string, options: ImportForOptions): Promise<ImportedFor> {
  const child = spawn(options.program, ["import", "--personal", "--json", ...options.args], {
    uid: account.uid,
    gid: account.gid,
    cwd: "/",
    env: environmentOf(account, name, options),
    stdio: ["ignore", "pipe", "pipe"],
    // A process of that user on root's terminal could type on it.
    detached: true,
  });
  const stop = () => child.kill("SIGKILL");
  const stopHere = (signal: NodeJS.Signals) => {
    stop();
    process.kill(process.pid, signal);
  };
  for (const signal of endingSignals) process.once(signal, stopHere);
  return new Promise((resolve, reject) => {
    let [output, message] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > largestOutput) stop();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      message = `${message}${text}`.slice(-largestOutput);
      const progress = message.match(/^(\d+ of \d+) sessions$/gm)?.at(-1);
      if (progress !== undefined) options.onProgress(progress);
    });
    child.once("error", (error) => reject(notRun(name, error)));
    child.once("close", (status) => {
      for (const signal of endingSignals) process.removeListener(signal, stopHere);
      const report = reportIn(output);
      if (report !== null) return resolve({ report, message: null });
      resolve({ report, message: wordsIn(message), exitStatus: status ?? stoppedStatus });
    });
  });
}

/** Nothing of root's: its folders are not that user's. */
function environmentOf({ home }: UserAccount, name: string, { place, env }: ImportForOptions): Record<string, string> {
  const kept = ["LANG", "LC_ALL", "LC_CTYPE", "TZ", "PATH", "SESSION_BUDDY_NODE"];
  return {
    ...Object.fromEntries(kept.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]]]))),
    HOME: home,
    USER: name,
    LOGNAME: name,
    SESSION_BUDDY_SPOOL: place.spool,
    SESSION_BUDDY_SOCKET: place.socket,
  };
}

function reportIn(output: string): ImportReport | null {
  try {
    return readReport(parseJson(output));
  } catch {
    return null;
  }
}

/** The program is root's, and the process that user's, who could have made it print anything. */
function readReport(value: unknown): ImportReport | null {
  if (!isObject(value)) return null;
  const { sessions, imported, known, open, new_events: newEvents, refused } = value;
  const counts = { sessions, imported, known, open, newEvents };
  if (!Object.values(counts).every(Number.isSafeInteger) || !Array.isArray(refused)) return null;
  if (!refused.every(isRefusal)) return null;
  return { ...(counts as Record<keyof typeof counts, number>), refused };
}

function isRefusal(value: unknown): value is Refusal {
  if (!isObject(value)) return false;
  const { reason, sessions, example } = value;
  return typeof reason === "string" && Number.isSafeInteger(sessions) && typeof example === "string";
}

function wordsIn(message: string): string {
  const lines = message.split("\n").filter((line) => line.startsWith("session-buddy: "));
  return lines.at(-1)?.replace("session-buddy: ", "") ?? "it was stopped before its end; import again to complete it";
}

function notRun(name: string, error: Error): SessionBuddyError {
  return new SessionBuddyError(
    "usage",
    `the program cannot be run as ${name}: ${error.message}; run the one that 'session-buddy install --system' has put in place`,
    { cause: error },
  );
}
