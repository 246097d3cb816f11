/** Owns where the shells around a shell have left their files, which are brought on record before it. */
import { dirname } from "node:path";
import type { Machine } from "../host/machine.ts";
import type { LeftFiles } from "./circumstances.ts";
import type { Spool } from "./spool.ts";
import type { StateFile } from "./state-file.ts";
import { filesOfProcess, readAgain } from "./state-folder.ts";

/** Brings a file on record; null is none. Never throws. */
type RecordQuietly = (file: StateFile | null) => Promise<void>;

/** @returns those in the user's own folder */
export function leftIn(folder: string, record: RecordQuietly): LeftFiles {
  return { filesOf: (name) => filesOfProcess(folder, name), record: (path) => record(readAgain(path)) };
}

/** @returns those in the folder of a file; in the spool, a process's files are those that its own user has there */
export function leftBeside(
  { path, owner }: StateFile,
  { machine, spool = null }: { readonly machine: Machine; readonly spool?: Spool | null },
  record: RecordQuietly,
): LeftFiles {
  if (owner === null || spool === null) return leftIn(dirname(path), record);
  return {
    filesOf: (name, pid) => spool.pathsOf(name, machine.processes.ownerOf(pid) ?? -1),
    record: (other) => record(readQuietly(other, spool)),
  };
}

/** What is wrong with a file is said where that file itself is looked at. */
function readQuietly(path: string, spool: Spool): StateFile | null {
  try {
    return spool.read(path);
  } catch {
    return null;
  }
}
