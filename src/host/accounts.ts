/** Owns looking up users and groups of this system by name, wherever it keeps them (getent(1)), for those who can wait. */
import { accountText, type GroupEntry, groupsIn, type UserEntry, usersIn, usualFiles } from "./account-files.ts";
import { runTool } from "./tools.ts";

export type UserAccount = Omit<UserEntry, "username">;

/** @returns null when there is no such user */
export function findUser(name: string): UserAccount | null {
  return usersIn(textOf("passwd", name)).find(({ username }) => username === name) ?? null;
}

/** @returns the id of a group; null when there is none */
export function findGroup(name: string): number | null {
  return groupsIn(textOf("group", name)).find((group: GroupEntry) => group.name === name)?.gid ?? null;
}

function textOf(database: "passwd" | "group", name: string): string {
  return runTool("getent", [database, name]) ?? accountText(usualFiles[database]);
}
