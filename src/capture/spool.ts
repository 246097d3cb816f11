/**
 * Owns the spool: the folder of the service in which every user's shells leave their files. What is in it is noticed,
 * counted by user, read, and put aside where it is no shell's file.
 *
 * Longer than 250 lines because what can be done with the folder stands beside what it does.
 */
import { lstatSync, renameSync, type Stats } from "node:fs";
import { opendir } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import type { Machine } from "../host/machine.ts";
import { createNestedProcesses } from "../host/nested.ts";
import { createUsers, type Users } from "../host/users.ts";
import type { Log } from "../log.ts";
import { createAccounts, type SpoolLimits, usualLimits } from "./spool-accounts.ts";
import { appendSessionId, largestSpoolFile, readSpoolFile, type SpoolFile } from "./spool-file.ts";
import { isMark, keepMarks } from "./spool-marks.ts";
import { type NamedProcess, removeStateFile, type StateFile } from "./state-file.ts";
import { isFresh } from "./state-folder.ts";
import { type SpoolFileKnowledge, UnfitFile } from "./unfit-file.ts";

/** What is in the spool beside the files of shells that are on record. */
export interface SpoolCounts {
  /** Files of open shells, and those that wait to be recorded. */
  readonly followed: number;
  readonly waiting: number;
  /** Files that were put aside since the service runs, or are no shell's and left where they are. */
  readonly unfit: number;
  /** Files that their users' limits leave no room for, when the folder was looked through last. */
  readonly beyondLimit: number;
}

export interface Spool {
  readonly folder: string;
  /** Looks at what has this name now, because something happened to it. */
  note(name: string): void;
  /** Has a listener told when a file waits whose user had to be looked up first; nobody by default. */
  onLate(listener: () => void): void;
  /** Looks through the whole folder; what was not noticed is followed, what is gone is forgotten. */
  lookThrough(): Promise<void>;
  /** Whether a user had more files than are followed, and has room again. */
  readonly hasRoomAgain: boolean;
  /** @returns the paths of at most so many files that wait to be looked at, one of each user in turn */
  take(most: number): readonly string[];
  /** @returns the paths of all files whose start is on record, one of each user in turn; the others wait for their turn */
  paths(): readonly string[];
  /**
   * @returns null when there is no such file, or its shell may still be writing it
   * @throws SessionBuddyError as {@link readSpoolFile}
   */
  read(path: string): StateFile | null;
  /** @returns whether a shell that is not on record yet may be recorded now; else it waits until its user may again */
  mayRecord(file: StateFile): boolean;
  /** Takes note of what a file was recorded as, and writes it into the file. */
  recorded(file: StateFile, sessionId: string): void;
  /** Puts a file out of the way that is no shell's. @returns why it is still there; null when it is away */
  setAside(path: string): string | null;
  forget(path: string): void;
  /** Puts a file that is followed behind those that wait. */
  wait(path: string): void;
  /** @returns the paths of this user's files that are named after the process: `BOOT.PID.TICKS` */
  pathsOf(process: string, uid: number): readonly string[];
  /**
   * Names a user, of a directory too where that answers soon: shells that are to be recorded wait for it.
   *
   * @returns null where nobody knows it now
   */
  nameOf(uid: number): Promise<string | null>;
  counts(): SpoolCounts;
}

export interface SpoolOptions {
  readonly folder: string;
  readonly machine: Machine;
  readonly log: Log;
  /** Whether the address that a shell was reached from is kept. */
  readonly keepsRemote: boolean;
  readonly users?: Users;
  readonly limits?: SpoolLimits;
}

/** As hooks name their files. A shell that was replaced more often than this is none of a person's. */
const namePattern = /^[0-9a-f-]{36}\.\d{1,7}\.\d{1,20}(?:\.[1-9]\d?)?$/;
const longestNameMs = 200;
/** Names that are looked at in one go, before others get their turn. */
const namesAtOnce = 500;

export function createSpool(options: SpoolOptions): Spool {
  const { folder, machine, log, keepsRemote, users = createUsers(), limits = usualLimits } = options;
  const accounts = createAccounts(limits);
  const nested = createNestedProcesses();
  /** What was read last of each file that is followed. */
  const read = new Map<string, SpoolFile>();
  const byProcess = new Map<string, Set<string>>();
  let isWanting = false;
  let tellLate = () => {};

  const addTo = (process: string, name: string) =>
    byProcess.set(process, (byProcess.get(process) ?? new Set()).add(name));
  const forgetName = (name: string) => {
    const entry = accounts.entry(name);
    if (entry === undefined) return;
    accounts.forget(name);
    read.delete(name);
    for (const process of [name, nameOf(entry.process)].map((one) => `${entry.uid} ${processOf(one)}`)) {
      const names = byProcess.get(process);
      names?.delete(name);
      if (names?.size === 0) byProcess.delete(process);
    }
    // To look through a full folder for the sake of one file would be all that is done.
    if (entry.account.beyond > 0 && entry.account.entries.size <= limits.filesPerUser / 2) isWanting = true;
  };
  const follow = (name: string, stats: Stats) => {
    const user = users.cached(stats.uid);
    if (user === null) {
      // It is looked at again when it is known whose it is.
      void users.lookUp(stats.uid).then(() => {
        noteName(name);
        tellLate();
      });
      return;
    }
    const entry = accounts.follow(name, stats.uid, user.isKnown, counted(stats.size));
    if (entry === null) return;
    addTo(`${stats.uid} ${processOf(name)}`, name);
    accounts.wait(entry);
  };
  const markQuietly = () => {
    try {
      keepMarks(folder, keepsRemote);
    } catch {
      // What hooks write without need is dropped; what they do not write is missing.
    }
  };
  const noteName = (name: string, isEvent = true) => {
    if (isMark(name)) return markQuietly();
    if (!namePattern.test(name)) return;
    const stats = lookedAt(join(folder, name));
    const entry = accounts.entry(name);
    if (stats === null) return forgetName(name);
    if (entry === undefined) return follow(name, stats);
    if (entry.uid !== stats.uid) {
      forgetName(name);
      return follow(name, stats);
    }
    if (entry.size === counted(stats.size) && entry.inode === stats.ino && isEvent) return;
    if (entry.size !== counted(stats.size)) entry.isUnfit = false;
    accounts.resize(entry, counted(stats.size));
    if (!entry.isUnfit) accounts.wait(entry);
  };
  const entryAt = (path: string) => accounts.entry(basename(path));

  return {
    folder,
    note: noteName,
    onLate(listener) {
      tellLate = listener;
    },
    get hasRoomAgain() {
      return isWanting;
    },
    async lookThrough() {
      isWanting = false;
      accounts.recount();
      markQuietly();
      const gone = new Set(accounts.all().map(({ name }) => name));
      let looked = 0;
      for await (const { name } of await opendir(folder, { bufferSize: 256 })) {
        gone.delete(name);
        if (accounts.entry(name) === undefined) noteName(name);
        looked += 1;
        if (looked % namesAtOnce === 0) await setImmediate();
      }
      // What came since the look began is not among them; what was renamed meanwhile is looked for by its name.
      for (const name of gone) noteName(name);
    },
    take: (most) => accounts.take(most).map(({ name }) => join(folder, name)),
    paths: () =>
      accounts
        .all()
        .filter(({ isUnfit, sessionId }) => !isUnfit && sessionId !== null)
        .map(({ name }) => join(folder, name)),
    read(path) {
      const entry = entryAt(path);
      const user = entry === undefined ? null : users.cached(entry.uid);
      if (entry === undefined || user === null) return null;
      const before = entry.sessionId === null ? undefined : read.get(entry.name);
      if (before !== undefined && isAsItWas(path, before)) return before.file;
      const { process } = entry;
      const found = readReady(path, { user, machine, nested, process, keepsRemote, sessionId: null });
      if (found === "not ready") return null;
      if (found === null) {
        noteName(entry.name);
        return null;
      }
      accounts.resize(entry, found.size);
      Object.assign(entry, { inode: found.inode, hasSessionId: found.hasSessionId });
      if (found.file.owner?.isVerified && entry.process === null) {
        // In a container it goes by another name than its file.
        entry.process = found.file.process;
        addTo(`${entry.uid} ${nameOf(entry.process)}`, entry.name);
      }
      const sessionId = entry.eventId === found.file.eventId ? entry.sessionId : null;
      const file = { ...found.file, sessionId };
      read.set(entry.name, { ...found, file });
      return file;
    },
    mayRecord({ path, sessionId }) {
      const entry = entryAt(path);
      if (entry === undefined || sessionId !== null) return true;
      return accounts.allows(entry);
    },
    recorded(file, sessionId) {
      const entry = entryAt(file.path);
      const found = read.get(basename(file.path));
      if (entry === undefined || found === undefined) return;
      const isNew = entry.sessionId !== sessionId;
      Object.assign(entry, { eventId: file.eventId, sessionId });
      read.set(entry.name, { ...found, file: { ...found.file, sessionId } });
      // What has told its end is removed, and no prompt reads it.
      if (!isNew || entry.hasSessionId || file.end !== null) return;
      const after = appendSessionId(found, sessionId);
      if (after === null) return;
      // Its own change is not told as another's.
      accounts.resize(entry, after.size);
      entry.hasSessionId = true;
      read.set(entry.name, after);
    },
    setAside(path) {
      const entry = entryAt(path);
      if (entry === undefined) return null;
      const { account, uid } = entry;
      if (account.aside >= limits.asidePerUser) {
        entry.isUnfit = true;
        return "is left where it is: too many files of its owner were put aside already";
      }
      account.aside += 1;
      if (account.aside === limits.asidePerUser) {
        log.warning("Further files are left where they are", { uid, folder });
      }
      const left = movedAside(path);
      if (left === null) forgetName(entry.name);
      else entry.isUnfit = true;
      return left;
    },
    forget: (path) => forgetName(basename(path)),
    wait(path) {
      const entry = entryAt(path);
      if (entry !== undefined && !entry.isUnfit) accounts.wait(entry);
    },
    pathsOf: (process, uid) => [...(byProcess.get(`${uid} ${process}`) ?? [])].map((name) => join(folder, name)),
    async nameOf(uid) {
      const known = users.cached(uid) ?? (await Promise.race([users.lookUp(uid), pause(longestNameMs, null)]));
      return known?.isKnown ? known.username : null;
    },
    counts() {
      const all = [...accounts.accounts()];
      const sum = (count: (account: (typeof all)[number]) => number) =>
        all.reduce((total, account) => total + count(account), 0);
      const unfitLeft = accounts.all().filter(({ isUnfit }) => isUnfit).length;
      return {
        followed: sum(({ entries }) => entries.size),
        waiting: sum(({ waiting, known }) => waiting.size + known.size),
        unfit: sum(({ aside }) => aside) + unfitLeft,
        beyondLimit: sum(({ beyond }) => beyond),
      };
    },
  };
}

function readReady(path: string, knowledge: SpoolFileKnowledge): SpoolFile | "not ready" | null {
  try {
    return readSpoolFile(path, knowledge);
  } catch (error) {
    if (!(error instanceof UnfitFile)) throw error;
    if (error.changedMs !== null && isFresh(error.changedMs)) return "not ready";
    if (error.isEmpty && removeStateFile(path) === null) return null;
    throw error;
  }
}

function nameOf(process: NamedProcess | null): string {
  return process === null ? "" : `${process.bootId}.${process.pid}.${process.startTicks}`;
}

/** Nobody can set the time of the last change. */
function isAsItWas(path: string, { inode, size, file }: SpoolFile): boolean {
  const stats = lookedAt(path);
  return stats !== null && stats.ino === inode && stats.size === size && stats.ctimeMs === file.changedMs;
}

function processOf(name: string): string {
  return name.split(".").slice(0, 3).join(".");
}

/** One that is too large is looked at too, and put aside. */
function counted(size: number): number {
  return Math.min(size, largestSpoolFile + 1);
}

function lookedAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** Another file of that name is of somebody who put it there for that. */
function movedAside(path: string): string | null {
  try {
    renameSync(path, `${path}.rejected`);
    return null;
  } catch (error) {
    return `cannot be set aside: ${(error as Error).message}`;
  }
}
