/**
 * Owns reading one file of the spool, in which every user may leave whatever they like. Whose it is says the file system,
 * which process it is of says its name, and what the file says of either is not looked at.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from "node:fs";
import { basename } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import { locate } from "./spool-process.ts";
import {
  type NamedProcess,
  namedProcess,
  parseStateFile,
  recordText,
  type StateFile,
  type StateRecord,
  uuidOf,
} from "./state-file.ts";
import { type SpoolFileKnowledge, UnfitFile } from "./unfit-file.ts";

/** As much as one shell's file may have. */
export const largestSpoolFile = 65_536;

/** What a shell's own clock may differ by from the file system's, which writes the same moment down. */
const clockSlackMs = 60_000;

/** One that only its maker's second link holds could be moved to another name while it is read. */
const onlyLink = 1;

/** A file as it was read, and what tells it from another one of its name. */
export interface SpoolFile {
  readonly file: StateFile;
  readonly size: number;
  readonly inode: number;
  /** Whether a session id is in it, whichever. */
  readonly hasSessionId: boolean;
}

/**
 * @returns null when there is none any more, `not ready` where it cannot be told yet which process it is of
 * @throws UnfitFile when it is no shell's file; SessionBuddyError `storage.unavailable` when it cannot be opened now
 */
export function readSpoolFile(path: string, knowledge: SpoolFileKnowledge): SpoolFile | "not ready" | null {
  const named = namedProcess(path);
  if (named === null) throw new UnfitFile(path, "is not named after a process");
  const read = contentOf(path, knowledge.user.uid);
  if (read === null) return null;
  const { stats, bytes } = read;
  if (bytes.length === 0) throw new UnfitFile(path, "is empty", stats.ctimeMs, true);
  const parsed = parsedOrUnfit(bytes, path, stats.ctimeMs);
  const { uid, username, home } = knowledge.user;
  // Nobody can set these two, unlike the time of the last change.
  const changedMs = stats.ctimeMs;
  const createdMs = stats.birthtimeMs > 0 ? Math.min(stats.birthtimeMs, changedMs) : changedMs;
  const said = parsed.start?.fields ?? new Map<string, string>();
  const found = locate({ path, named, createdMs, said, hasEnded: parsed.end !== null }, knowledge);
  if (found === "not ready") return found;
  const { process, isVerified } = found;
  return {
    file: {
      path,
      process,
      start: parsed.start === null ? null : ownStart(parsed.start, { named, process, createdMs }, knowledge),
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
 * @returns what is known of the file then, when nobody else has written to it since it was read; null where that cannot be
 *   said, or nothing was written
 */
export function appendSessionId(read: SpoolFile, sessionId: string): SpoolFile | null {
  const { file, inode } = read;
  const descriptor = openedQuietly(file.path);
  if (descriptor === null) return null;
  try {
    const stats = fstatSync(descriptor);
    if (stats.ino !== inode || !stats.isFile() || stats.nlink !== onlyLink) return null;
    const size = read.size + writeSync(descriptor, recordText("session/1", { id: sessionId }));
    const after = fstatSync(descriptor);
    if (after.size !== size) return null;
    return { ...read, size, hasSessionId: true, file: { ...file, sessionId, changedMs: after.ctimeMs } };
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

function ownStart(
  start: StateRecord,
  { named, process, createdMs }: { named: NamedProcess; process: NamedProcess | null; createdMs: number },
  { machine, keepsRemote }: SpoolFileKnowledge,
): StateRecord {
  const { bootId, pid, startTicks } = process ?? { ...named, startTicks: "" };
  const fields = new Map(start.fields);
  fields.set("pid", String(pid)).set("boot", bootId).set("ticks", startTicks);
  // Its parent has another name here, too.
  if (pid !== named.pid) fields.set("ppid", String(machine.processes.parentOf(pid) ?? ""));
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
