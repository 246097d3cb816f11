/** Owns running programs of the system, which are looked for in its own folders and nowhere else. */
import { execFile, execFileSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";

const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const environment = { PATH: folders.join(":"), LC_ALL: "C" };
const longestMs = 60_000;

/** @returns the path of the first program of that name; null when there is none */
export function findTool(name: string): string | null {
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

/** @returns what it prints; null when there is no such program, or its exit status is not 0 */
export function runTool(name: string, args: readonly string[]): string | null {
  const path = findTool(name);
  if (path === null) return null;
  try {
    return execFileSync(path, args, {
      encoding: "utf8",
      env: environment,
      timeout: longestMs,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return null;
  }
}

/**
 * The same without keeping anybody waiting.
 *
 * @param timeoutMs - then it is stopped, and null is answered
 */
export async function askTool(name: string, args: readonly string[], timeoutMs: number): Promise<string | null> {
  const path = findTool(name);
  if (path === null) return null;
  return new Promise((resolve) => {
    // One that waits for a network may not hear a gentler signal.
    const options = { encoding: "utf8", env: environment, timeout: timeoutMs, killSignal: "SIGKILL" } as const;
    execFile(path, args, options, (error, output) => resolve(error === null ? output : null));
  });
}

/** @throws SessionBuddyError `storage.unavailable` with what it said, when its exit status is not 0 */
export function requireTool(path: string, args: readonly string[]): void {
  try {
    execFileSync(path, args, { env: environment, timeout: longestMs, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? "").trim();
    throw new SessionBuddyError(
      "storage.unavailable",
      `${[path, ...args].join(" ")}: ${said || (error as Error).message}`,
    );
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
