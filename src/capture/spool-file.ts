/**
 * Owns reading one file of the spool, in which every user may leave whatever they like. Whose it is says the file system,
 * which process it is of says its name, and what the file says of either is not looked at.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from "node:fs";
import { basename } from "node:path";
import type { Machine } from "../host/machine.ts";
import type { User } from "../host/users.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import {
  type NamedProcess,
  namedProcess,
  parseStateFile,
  recordText,
  type StateFile,
  type StateRecord,
  uuidOf,
} from "./state-file.ts";

/** As much as one shell's file may have. */
export const largestSpoolFile = 65_536;

/** What a shell's own clock may differ by from the file system's, which writes the same moment down. */
const clockSlackMs = 60_000;

/** One that only its maker's second link holds could be moved to another name while it is read. */
const onlyLink = 1;

/** What is known of a file before it is read. */
export interface SpoolFileKnowledge {
  readonly user: User;
  readonly machine: Machine;
  /** Whether the address that a shell was reached from is kept. */
  readonly keepsRemote: boolean;
  /** The session that this service has recorded it as; null for none so far. */
  readonly sessionId: string | null;
}

/** A file as it was read, and what tells it from another one of its name. */
export interface SpoolFile {
  readonly file: StateFile;
  readonly size: number;
  readonly inode: number;
  /** Whether a session id is in it, whichever. */
  readonly hasSessionId: boolean;
}

/** Thrown for what is no shell's file. */
export class UnfitFile extends SessionBuddyError {
  /** When it was last changed, where its shell may still be writing what is missing; null where nothing can mend it. */
  readonly changedMs: number | null;
  /** As a shell leaves it that found the disk full when it wrote; there is nothing in it to keep. */
  readonly isEmpty: boolean;

  constructor(path: string, words: string, changedMs: number | null = null, isEmpty = false) {
    super("invalid", `the state file ${path} ${words}`);
    this.changedMs = changedMs;
    this.isEmpty = isEmpty;
  }
}

/**
 * @returns null when there is none any more
 * @throws UnfitFile when it is no shell's file; SessionBuddyError `storage.unavailable` when it cannot be opened now
 */
export function readSpoolFile(path: string, knowledge: SpoolFileKnowledge): SpoolFile | null {
  const named = namedProcess(path);
  if (named === null) throw new UnfitFile(path, "is not named after a process");
  const read = contentOf(path, knowledge.user.uid);
  if (read === null) return null;
  const { stats, bytes } = read;
  if (bytes.length === 0) throw new UnfitFile(path, "is empty", stats.ctimeMs, true);
  const parsed = parsedOrUnfit(bytes, path, stats.ctimeMs);
  const isVerified = verified(path, named, knowledge);
  const { uid, username, home } = knowledge.user;
  // Nobody can set these two, unlike the time of the last change.
  const changedMs = stats.ctimeMs;
  const createdMs = stats.birthtimeMs > 0 ? Math.min(stats.birthtimeMs, changedMs) : changedMs;
  const said = parsed.start?.fields ?? new Map<string, string>();
  return {
    file: {
      path,
      process: named,
      start: parsed.start === null ? null : ownStart(parsed.start, named, createdMs, knowledge.keepsRemote),
      end: parsed.end === null ? null : ownEnd(parsed.end, changedMs),
      sessionId: knowledge.sessionId,
      // Bound to its owner: whoever knows the id of another's event cannot speak of that one's session.
      eventId: uuidOf(["spool", String(uid), basename(path), ...[...said].flat()].join("\0")),
      createdMs,
      changedMs,
      owner: { uid, username, home, isVerified },
    },
    size: stats.size,
    inode: stats.ino,
    hasSessionId: parsed.sessionId !== null,
  };
}

/**
 * Appends the session id, for a prompt to show. Does nothing where another file has the name by now.
 *
 * @returns the size that the file has then, when nobody else has written to it since it was read; null where nothing was
 *   written
 */
export function appendSessionId({ file, inode, size }: SpoolFile, sessionId: string): number | null {
  const descriptor = openedQuietly(file.path);
  if (descriptor === null) return null;
  try {
    const stats = fstatSync(descriptor);
    if (stats.ino !== inode || !stats.isFile() || stats.nlink !== onlyLink) return null;
    return size + writeSync(descriptor, recordText("session/1", { id: sessionId }));
  } catch {
    // The record is in the store already.
    return null;
  } finally {
    closeSync(descriptor);
  }
}

function openedQuietly(path: string): number | null {
  try {
    return opened(path, constants.O_WRONLY | constants.O_APPEND);
  } catch {
    return null;
  }
}

function contentOf(path: string, uid: number): { stats: Stats; bytes: Buffer } | null {
  const descriptor = opened(path, constants.O_RDONLY);
  if (descriptor === null) return null;
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new UnfitFile(path, "is not a regular file");
    if (stats.nlink > onlyLink) throw new UnfitFile(path, "has a second name");
    if (stats.size > largestSpoolFile) throw new UnfitFile(path, "is too large for a state file");
    // Its maker may have put another one in its place since it was counted; that one is counted when it is told of.
    if (stats.nlink === 0 || stats.uid !== uid) return null;
    const bytes = Buffer.alloc(stats.size);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    return { stats, bytes: bytes.subarray(0, length) };
  } finally {
    closeSync(descriptor);
  }
}

/** What is wrong with a file itself; any other error may pass. */
const unfit: ReadonlyMap<string | undefined, string> = new Map([
  ["ELOOP", "is a symbolic link"],
  ["EISDIR", "is a folder"],
  ["ENXIO", "is not a regular file"],
  ["ENODEV", "is not a regular file"],
]);

/** Waits for nobody: not for a reader of a FIFO, nor for the holder of a lease (fcntl(2)). */
function opened(path: string, flags: number): number | null {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    const words = unfit.get(code);
    if (words !== undefined) throw new UnfitFile(path, words);
    throw new SessionBuddyError("storage.unavailable", `the state file ${path} cannot be opened: ${message}`, {
      cause: error,
    });
  }
}

function parsedOrUnfit(bytes: Buffer, path: string, changedMs: number): ReturnType<typeof parseStateFile> {
  try {
    return parseStateFile(bytes, path);
  } catch {
    throw new UnfitFile(path, "does not hold the record of a shell", changedMs);
  }
}

/**
 * @returns whether the process is the user's; false where it has gone, or cannot be looked at
 * @throws UnfitFile when it is another user's
 */
function verified(path: string, named: NamedProcess, { user, machine }: SpoolFileKnowledge): boolean {
  const { pid, bootId, startTicks } = named;
  const isThere = () => machine.processes.stat(pid)?.startTicks === startTicks;
  if (bootId !== machine.bootId || !isThere()) return false;
  const owner = machine.processes.ownerOf(pid);
  if (owner === user.uid) return true;
  // Between the two looks another process may have got the pid.
  if (owner === null || !isThere()) return false;
  throw new UnfitFile(path, `names process ${pid}, which is of user id ${owner}, not of ${user.uid}`);
}

function ownStart(start: StateRecord, named: NamedProcess, createdMs: number, keepsRemote: boolean): StateRecord {
  const fields = new Map(start.fields);
  fields.set("pid", String(named.pid)).set("boot", named.bootId).set("ticks", named.startTicks);
  if (!keepsRemote) fields.delete("remote");
  const saidMs = Number(fields.get("time") || "NaN") * 1000;
  if (!(Math.abs(saidMs - createdMs) <= clockSlackMs)) fields.set("time", String(createdMs / 1000));
  return { ...start, fields };
}

function ownEnd(end: StateRecord, changedMs: number): StateRecord {
  const saidMs = Number(end.fields.get("time") || "NaN") * 1000;
  if (saidMs <= changedMs + clockSlackMs) return end;
  return { ...end, fields: new Map(end.fields).set("time", String(changedMs / 1000)) };
}
