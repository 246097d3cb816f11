/** Owns looking up users and groups of this system, wherever it keeps them (getent(1), passwd(5), group(5)). */
import { readFileSync } from "node:fs";
import { runTool } from "./tools.ts";

export interface UserAccount {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** @returns null when there is no such user */
export function findUser(name: string): UserAccount | null {
  const [, , uid, gid, , home = "", shell = ""] = entryOf("passwd", name) ?? [];
  return uid === undefined ? null : { uid: Number(uid), gid: Number(gid), home, shell };
}

/** @returns the id of a group; null when there is none */
export function findGroup(name: string): number | null {
  const gid = entryOf("group", name)?.[2];
  return gid === undefined ? null : Number(gid);
}

function entryOf(database: "passwd" | "group", name: string): string[] | undefined {
  const lines = (runTool("getent", [database, name]) ?? fileText(`/etc/${database}`)).split("\n");
  return lines.map((line) => line.split(":")).find(([first]) => first === name);
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
