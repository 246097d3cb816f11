/** Owns the marks of the embedded store's file: whose it is, and of which version. Its steps are loaded where it needs one. */
import type { DatabaseSync } from "node:sqlite";

/** Marks the file as ours (`PRAGMA application_id`): "SBud" in ASCII. */
export const applicationId = 0x53427564;

/** The newest version this program knows: as many as there are steps (`migrations.ts`). */
export const schemaVersion = 8;

/** @returns whether the file is ours and needs no step. */
export function isCurrent(database: DatabaseSync): boolean {
  return readPragma(database, "user_version") === schemaVersion && isMarked(database);
}

export function isMarked(database: DatabaseSync): boolean {
  return readPragma(database, "application_id") === applicationId;
}

export function readPragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
