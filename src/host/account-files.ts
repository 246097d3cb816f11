/** Owns the lines of users and groups: the form of passwd(5) and group(5), in which getent(1) answers too. */
import { readFileSync } from "node:fs";

export interface UserEntry {
  readonly username: string;
  readonly uid: number;
  /** The group that is the user's own. */
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  /** Those that it names; whose own group it is need not be among them. */
  readonly members: readonly string[];
}

/** The users and groups that this machine has itself. */
export const usualFiles = { passwd: "/etc/passwd", group: "/etc/group" } as const;

/** In the order of the lines: of two users with one number the first counts, as getpwuid(3) has it. */
export function usersIn(text: string): UserEntry[] {
  return entriesIn(text).flatMap(([username = "", , uid = "", gid = "", , home = "", shell = ""]) =>
    username === "" || !isId(uid)
      ? []
      : [{ username, uid: Number(uid), gid: isId(gid) ? Number(gid) : noGroup, home, shell }],
  );
}

/** In the order of the lines. */
export function groupsIn(text: string): GroupEntry[] {
  return entriesIn(text).flatMap(([name = "", , gid = "", members = ""]) =>
    name === "" || !isId(gid) ? [] : [{ name, gid: Number(gid), members: members.split(",").filter(Boolean) }],
  );
}

/** @returns an empty text where there is no such file, or it may not be read */
export function accountText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/**
 * Names a user of this machine itself. Other sources of names may wait for a network, and a start must not.
 *
 * @returns null where the file has no such user
 */
export function userNameOf(uid: number, passwd: string = usualFiles.passwd): string | null {
  return usersIn(accountText(passwd)).find((user) => user.uid === uid)?.username ?? null;
}

/** The number of no group: `-1` of the kernel's type. */
const noGroup = 4_294_967_295;

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

function entriesIn(text: string): string[][] {
  return text.split("\n").map((line) => line.split(":"));
}
