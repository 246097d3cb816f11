/** Owns the id of this machine: a file that is made once, on the disk before anything is recorded with it. */
import { linkSync, renameSync, rmSync, type Stats } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { makeFolders } from "./private-folder.ts";
import { readRegular } from "./regular-file.ts";
import { syncFolder, writtenBeside } from "./whole-file.ts";

/** The id, and what a person should know about it. */
export interface HostId {
  /** Null when none can be kept. */
  readonly id: string | null;
  /** What is wrong, as a sentence; null: nothing. */
  readonly problem: string | null;
  /** When a file that could not be used was made anew, as RFC 3339 has it; null: never. */
  readonly repairedAt: string | null;
}

interface KeptId {
  readonly id: string;
  /** Of the machine that made the file; null where it had none. */
  readonly machineId: string | null;
  readonly repairedAt: string | null;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const machineIdPattern = /^[0-9a-f]{32}$/;
const repairedPattern = /^repaired (\d{4}-\d\d-\d\dT[\d:.]+Z)$/;
/** Nothing that is larger is one, and its content is none of ours. */
const largestBytes = 1_000;

/**
 * Reads the id, or makes it. Where hosts share a home folder, the one that was first has the file, and each other one a
 * file of its own: else each would take the others' boots for its own.
 *
 * @param machineId - tells hosts apart (machine-id(5)); null where there is none
 * @param newUuid - makes a UUID version 4
 */
export function openHostId(path: string, machineId: string | null, newUuid: () => string): HostId {
  try {
    const first = keptOrMade(path, machineId, newUuid);
    const isOurs = machineId === null || first.machineId === null || first.machineId === machineId;
    const { id, repairedAt } = isOurs ? first : keptOrMade(`${path}-${machineId}`, machineId, newUuid);
    return { id, repairedAt, problem: null };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { id: null, repairedAt: null, problem: `the host id ${path} cannot be used: ${words}` };
  }
}

function keptOrMade(path: string, machineId: string | null, newUuid: () => string): KeptId {
  const found = read(path);
  if (found === null) make(path, textOf(newUuid(), machineId, []));
  else if (found.kept === null) repair(path, found.stats, machineId);
  else return found.kept;
  const kept = read(path)?.kept;
  if (kept == null) throw new Error("what was written into it is not there");
  return kept;
}

/** @returns null when there is no file; no kept id when there is one without */
function read(path: string): { readonly stats: Stats; readonly kept: KeptId | null } | null {
  try {
    const { bytes, stats } = readRegular(path);
    return { stats, kept: stats.size > largestBytes ? null : parse(bytes.toString("latin1")) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function parse(text: string): KeptId | null {
  const [id = "", ...more] = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  if (!uuidPattern.test(id)) return null;
  const repaired = more.map((line) => repairedPattern.exec(line)?.[1]).find((at) => at !== undefined);
  return { id, machineId: more.find((line) => machineIdPattern.test(line)) ?? null, repairedAt: repaired ?? null };
}

function make(path: string, text: string): void {
  makeFolders(dirname(path));
  const whole = writtenBeside(path, text, null);
  try {
    linkSync(whole, path);
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(whole, { force: true });
  }
  syncFolder(dirname(path));
}

/**
 * A power cut may leave a file of older versions empty. Whoever repairs the same file gives it the same id, so that of
 * several at once the last does not undo what the first has told.
 */
function repair(path: string, broken: Stats, machineId: string | null): void {
  const id = idInPlaceOf(broken, machineId);
  const note = `repaired ${new Date().toISOString()}`;
  const whole = writtenBeside(path, textOf(id, machineId, [note]), null);
  try {
    renameSync(whole, path);
  } catch (error) {
    rmSync(whole, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** A UUID in the form of version 4, as every id of a host has. */
function idInPlaceOf({ dev, ino, ctimeMs }: Stats, machineId: string | null): string {
  // Rarely needed, and slow to load.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const known = ["session-buddy host id", machineId, hostname(), dev, ino, ctimeMs].join("\n");
  const digits = createHash("sha256").update(known).digest("hex");
  const parts = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, `a${digits.slice(17, 20)}`];
  return [...parts, digits.slice(20, 32)].join("-");
}

function textOf(id: string, machineId: string | null, notes: readonly string[]): string {
  return [id, ...(machineId === null ? [] : [machineId]), ...notes, ""].join("\n");
}
