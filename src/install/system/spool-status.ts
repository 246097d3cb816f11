/** Owns a look at whether the spool is as it was made. */
import { lstatSync, type Stats } from "node:fs";
import { findAccount } from "./account.ts";
import { spoolFolder, spoolMode } from "./places.ts";

export interface SpoolStatus {
  readonly path: string;
  readonly state: "in order" | "missing" | "wrong";
  /** What is wrong, as the rest of a sentence that begins with the path. */
  readonly reason: string | null;
}

/** Looks at the spool as any user can. */
export function spoolStatus(): SpoolStatus {
  const stats = lstatSync(spoolFolder, { throwIfNoEntry: false });
  if (stats === undefined) return { path: spoolFolder, state: "missing", reason: null };
  const reason = issueOfSpool(stats);
  return { path: spoolFolder, state: reason === null ? "in order" : "wrong", reason };
}

function issueOfSpool(stats: Stats): string | null {
  if (!stats.isDirectory()) return "is not a folder";
  const account = findAccount();
  if (account === null) return "has no system user to belong to";
  if (stats.uid !== account.uid || stats.gid !== account.gid) return `belongs to ${stats.uid}:${stats.gid}`;
  const mode = stats.mode & 0o7777;
  return mode === spoolMode ? null : `has mode ${mode.toString(8)}, not ${spoolMode.toString(8)}`;
}
