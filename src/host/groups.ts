/** Owns who is in a group of this machine, as its own files say (group(5), passwd(5)). */
import { readFileSync } from "node:fs";

export interface AccountFiles {
  readonly group: string;
  readonly passwd: string;
}

const usualFiles: AccountFiles = { group: "/etc/group", passwd: "/etc/passwd" };

/**
 * @param files - the usual ones by default
 * @returns whether a user is named in a group or has it for its own; false where there is no such group
 */
export function isInGroup(
  { uid, username }: { readonly uid: number; readonly username: string },
  group: string,
  files = usualFiles,
): boolean {
  const [, , gid, members = ""] = linesOf(files.group).find(([name]) => name === group) ?? [];
  if (gid === undefined || !/^\d+$/.test(gid)) return false;
  if (username !== "" && members.split(",").includes(username)) return true;
  // Of two users with one number the first counts, as getpwuid(3) has it.
  const own = linesOf(files.passwd).find(([, , number]) => number === String(uid));
  return own?.[3] === gid;
}

function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return [];
  }
}
