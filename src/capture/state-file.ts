/**
 * Owns the state file: one small file per shell, the durable record of its life until the store has it. For `app.ts`.
 *
 * The hook appends to it with shell builtins, the program appends the session id, and nobody rewrites it: an append
 * cannot lose what another process appended, and on a full disk it often still fits into the file's last block.
 *
 * Form: entries that end with a NUL byte, which no path and no shell word can hold, so nothing needs quoting. A record
 * is an empty entry, `start/1`, `end/1` or `session/1`, entries `key=value`, and the entry `.`; without that last one
 * it is torn. The leading empty entry closes a torn record before it.
 *
 * Longer than 250 lines because what reads the form and what writes it must be seen side by side.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { ShellOwner } from "../tracker/event.ts";

const largestBytes = 65_536;
/** In bytes, on the file systems of Linux and macOS. */
const longestName = 255;
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** How often, and after which time, a file that is empty is looked at again. */
const mostTries = 40;
const pauseMs = 5;
const recordNames = ["start/1", "end/1", "session/1"] as const;
type RecordName = (typeof recordNames)[number];

/** One record of the file. */
export interface StateRecord {
  readonly fields: ReadonlyMap<string, string>;
  /** Whether its last entry is missing: the shell died, or the disk was full, while it was written. */
  readonly isTorn: boolean;
}

/** The process that a file in the state folder is named after: `BOOT.PID.TICKS`, then `.N` after an `exec`. */
export interface NamedProcess {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: string;
}

/** What the file says so far. */
export interface StateFile {
  readonly path: string;
  readonly process: NamedProcess | null;
  readonly start: StateRecord | null;
  readonly end: StateRecord | null;
  readonly sessionId: string | null;
  /** Names the start for good: the same file content gives the same UUID, whoever reads it and how often. */
  readonly eventId: string;
  /** When the file was made, in milliseconds since the epoch; the clock of shells that have none. */
  readonly createdMs: number;
  /** When it was last written to, in milliseconds since the epoch. */
  readonly changedMs: number;
  /** Whose it is in the spool of the machine; null in the user's own folder. */
  readonly owner: FileOwner | null;
}

/** A user, and whether the process that the file is named after was seen to act as that user. */
export interface FileOwner extends ShellOwner {
  readonly username: string;
  readonly home: string;
}

/**
 * Reads a state file.
 *
 * @returns null when there is no such file
 * @throws SessionBuddyError `invalid` when it is a link, of another owner, or no state file at all
 */
export function readStateFile(path: string): StateFile | null {
  const descriptor = opened(path, constants.O_RDONLY);
  if (typeof descriptor !== "number") return null;
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw refused(path, "is not a regular file");
    if (process.geteuid !== undefined && stats.uid !== process.geteuid())
      throw refused(path, "belongs to another user");
    if (stats.size > largestBytes) throw refused(path, "is too large for a state file");
    const bytes = Buffer.alloc(stats.size);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    const changedMs = stats.mtimeMs;
    // Where the file system keeps no birth time, Node gives 0 or a later time; the first write is then the best.
    const createdMs = stats.birthtimeMs > 0 ? Math.min(stats.birthtimeMs, changedMs) : changedMs;
    return {
      path,
      process: namedProcess(path),
      ...parseStateFile(bytes.subarray(0, length), path),
      createdMs,
      changedMs,
      owner: null,
    };
  } finally {
    closeSync(descriptor);
  }
}

/** Reads as {@link readStateFile}. Another process may have made the file at this moment, and write it in the next. */
export async function readWritten(path: string): Promise<StateFile | null> {
  for (let tries = 0; tries < mostTries && isEmptyFile(path); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return readStateFile(path);
}

/** Of what cannot be looked at, the reader tells what is wrong. */
function isEmptyFile(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.size === 0;
  } catch {
    return false;
  }
}

/**
 * Reads the bytes of a state file; exported for the tests of its form.
 *
 * @throws SessionBuddyError `invalid` when no record is in it
 */
export function parseStateFile(
  bytes: Buffer,
  path: string,
): Pick<StateFile, "start" | "end" | "sessionId" | "eventId"> {
  const records = new Map<RecordName, StateRecord>();
  for (const { name, entries } of splitRecords(bytes)) {
    // The first of a kind counts, because a second one can only be a mistake; unless the first is torn, as on a disk
    // that was full for a moment. The start stays what it was: the event is named by it.
    const known = records.get(name);
    if (known !== undefined && (name === "start/1" || !known.isTorn)) continue;
    records.set(name, toRecord(entries));
  }
  if (records.size === 0) throw refused(path, "does not hold the record of a shell");
  const session = records.get("session/1");
  return {
    start: records.get("start/1") ?? null,
    end: records.get("end/1") ?? null,
    sessionId: session === undefined || session.isTorn ? null : (session.fields.get("id") ?? null),
    eventId: eventIdOf(path, records.get("start/1")),
  };
}

/**
 * Makes a state file (mode 0600) with its first record. Does nothing when another process was first.
 *
 * @throws SessionBuddyError `storage.unavailable`, `invalid`
 */
export function createStateFile(path: string, start: Readonly<Record<string, string>>): void {
  const descriptor = opened(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL);
  if (descriptor === "exists") return;
  if (descriptor === null) throw refused(path, "is in a folder that does not exist");
  try {
    writeRecord(descriptor, path, "start/1", start);
  } catch (error) {
    // An empty file would be refused ever after.
    removeStateFile(path);
    throw error;
  }
}

/**
 * Caches the session id. Does nothing when the file is gone: then the session's end is on record already.
 *
 * @throws SessionBuddyError `storage.unavailable`, `invalid`
 */
export function cacheSessionId(path: string, sessionId: string): void {
  const descriptor = opened(path, constants.O_WRONLY | constants.O_APPEND);
  if (typeof descriptor === "number") writeRecord(descriptor, path, "session/1", { id: sessionId });
}

/** One record is one write, so that records of several processes never mix. */
function writeRecord(
  descriptor: number,
  path: string,
  name: RecordName,
  fields: Readonly<Record<string, string>>,
): void {
  try {
    writeSync(descriptor, recordText(name, fields));
  } catch (error) {
    throw unavailable(path, `cannot be written: ${(error as Error).message}`, error);
  } finally {
    closeSync(descriptor);
  }
}

/** @returns a record as the file holds it */
export function recordText(name: RecordName, fields: Readonly<Record<string, string>>): string {
  const entries = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  return ["", name, ...entries, ".", ""].join("\0");
}

/**
 * Removes a file whose whole story is in the store.
 *
 * @returns why it is still there, as the rest of a sentence; null when it is gone
 */
export function removeStateFile(path: string): string | null {
  try {
    unlinkSync(path);
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? null : `cannot be removed: ${message}`;
  }
}

/** @returns when a file, or what else has its name, was last written to, in milliseconds since the epoch; 0 when it is gone. */
export function lastChangeMs(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Of the name, so that what is put behind it still fits; in UTF-16 units, of which none takes more than three bytes. */
const longestKeptName = 70;
const mostAside = 1_000;

/**
 * Puts a file that is no state file out of the way without losing it: `NAME.rejected`, else `NAME.2.rejected` and so on.
 * What belongs to another user is left alone.
 *
 * @returns why it is still there, as the rest of a sentence; null when it is away
 */
export function setAside(path: string): string | null {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    if (process.geteuid !== undefined && stats.uid !== process.geteuid())
      return `belongs to user id ${stats.uid}; it is left as it is`;
    renameSync(path, freeName(path));
    return null;
  } catch (error) {
    return `cannot be set aside: ${(error as Error).message}`;
  }
}

function freeName(path: string): string {
  const name = basename(path);
  const isLong = Buffer.byteLength(name) + ".1000.rejected".length > longestName;
  const kept = join(dirname(path), isLong ? name.slice(0, longestKeptName) : name);
  for (let count = 1; count <= mostAside; count += 1) {
    const free = count === 1 ? `${kept}.rejected` : `${kept}.${count}.rejected`;
    if (lstatSync(free, { throwIfNoEntry: false }) === undefined) return free;
  }
  throw new Error(`there are ${mostAside} of its name already`);
}

/** @returns the process that a file is named after; null when it has another name */
export function namedProcess(path: string): NamedProcess | null {
  const match = /^([0-9a-f-]{36})\.(\d{1,7})\.(\d{1,20})(?:\.\d+)?$/.exec(basename(path));
  if (match === null) return null;
  const [, bootId = "", pid = "", startTicks = ""] = match;
  return { bootId, pid: Number(pid), startTicks };
}

function* splitRecords(bytes: Buffer): Generator<{ name: RecordName; entries: string[] }, void> {
  let current: { name: RecordName; entries: string[] } | null = null;
  for (const entry of splitEntries(bytes)) {
    if (isRecordName(entry)) {
      if (current !== null) yield current;
      current = { name: entry, entries: [] };
    } else current?.entries.push(entry);
  }
  if (current !== null) yield current;
}

function splitEntries(bytes: Buffer): string[] {
  const entries: string[] = [];
  let from = 0;
  for (let at = bytes.indexOf(0); at !== -1; at = bytes.indexOf(0, from)) {
    entries.push(toText(bytes.subarray(from, at)));
    from = at + 1;
  }
  entries.push(toText(bytes.subarray(from)));
  return entries;
}

function toRecord(entries: readonly string[]): StateRecord {
  const end = entries.indexOf(".");
  const isTorn = end === -1;
  // The last entry of a torn record may be cut off, also when the record after it has closed it since.
  const whole = isTorn ? entries.slice(0, -1) : entries.slice(0, end);
  const fields = new Map<string, string>();
  for (const entry of whole) {
    const at = entry.indexOf("=");
    if (at > 0) fields.set(entry.slice(0, at), entry.slice(at + 1));
  }
  return { fields, isTorn };
}

/** A path need not be UTF-8; bytes that are none are shown as `\xNN` so that different paths stay different. */
function toText(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\uFFFD") || Buffer.from(text).equals(bytes)) return text;
  return [...bytes].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join("");
}

/** The id that the start record brought, else one made from what the file says; always the same for the same file. */
function eventIdOf(path: string, start: StateRecord | undefined): string {
  const id = start?.fields.get("id") ?? "";
  if (uuidPattern.test(id)) return id;
  return uuidOf([basename(path), ...(start?.fields ?? [])].join("\0"));
}

/** @returns a UUID from a hash, in the form of version 4 because the wire contract takes no other (section 1). */
export function uuidOf(text: string): string {
  // Rarely needed, and slow to load.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const digits = createHash("sha256").update(text).digest("hex");
  const variant = "89ab"[Number.parseInt(digits[16] ?? "0", 16) % 4];
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}

/** What is wrong with the file itself; any other error may pass, and the file is good. */
const refusals: ReadonlyMap<string | undefined, string> = new Map([
  ["ELOOP", "is a symbolic link"],
  ["EISDIR", "is a folder"],
  ["ENXIO", "is not a regular file"],
  ["ENAMETOOLONG", "has a name that is too long"],
  ["ENOTDIR", "has a file in its path where a folder must be"],
]);

function opened(path: string, flags: number): number | null | "exists" {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    if (code === "EEXIST") return "exists";
    const words = refusals.get(code);
    if (words !== undefined) throw refused(path, words);
    throw unavailable(path, `cannot be opened: ${message}`, error);
  }
}

function unavailable(path: string, words: string, cause: unknown): SessionBuddyError {
  return new SessionBuddyError("storage.unavailable", `the state file ${path} ${words}`, { cause });
}

function refused(path: string, words: string): SessionBuddyError {
  return new SessionBuddyError("invalid", `the state file ${path} ${words}`);
}

function isRecordName(entry: string): entry is RecordName {
  return (recordNames as readonly string[]).includes(entry);
}
