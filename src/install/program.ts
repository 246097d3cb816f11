/** Owns where the installed program is, for whatever has to find it later: startup files, clients, systemd. */
import { dirname, join, resolve } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";

/** @returns the folder of the program that runs, by the name it was called by, so that a link to it may be moved. */
export function programFolder(): string {
  return resolve(dirname(process.argv[1] ?? ""), "..");
}

/**
 * @returns the absolute path of the program that runs
 * @throws SessionBuddyError `invalid` when it does not fit on a line
 */
export function programPath(): string {
  const path = join(programFolder(), "bin/session-buddy");
  if (!/\p{Cc}/u.test(path)) return path;
  throw new SessionBuddyError(
    "invalid",
    "the folder of session-buddy has control characters in its name; move it to another",
  );
}
