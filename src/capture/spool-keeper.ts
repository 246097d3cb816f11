/** Owns keeping the machine's record from its spool: what comes is recorded at once, and what was missed a little later. */
import { type FSWatcher, lstatSync, watch } from "node:fs";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { logFailure } from "../log.ts";
import { deadlinesMs, type Reconcile, recordOne, type Sweep } from "./reconcile.ts";
import { createShells, type ShellsApp } from "./shells.ts";
import type { Spool } from "./spool.ts";

/** Files that are recorded together; those of one turn share a commit, and the next turn begins with other users. */
const filesAtOnce = 64;
/** How often it is looked whether something was missed, in milliseconds. */
const checkMs = 1_000;
/** How often everything is looked at: files, and whether open shells still run. */
const tickMs = 30_000;
/** When a file is looked at again that was not ready, or whose user had recorded too many, in milliseconds. */
const notReadyMs = 6_000;
/** How soon a shell that took the place of another by `exec` closes that one, in milliseconds at the most. */
const successorMs = 5_000;
/** What looking through the folder for files that there was no room for may take of the time: it may have very many. */
const shareForRoom = 1 / 20;
/** The kernel drops what it would tell when so many changes wait for their reader (`max_queued_events`, inotify(7)). */
const eventsBeforeLoss = 8_000;

export interface SpoolKeeper {
  /** Records what comes until the signal is aborted; resolves when nothing is under way any more. Never throws. */
  keep(signal: AbortSignal): Promise<void>;
}

/** @param afterwards - called after each look at everything */
export function createSpoolKeeper(
  app: ShellsApp & { readonly spool: Spool },
  { reconcile }: Pick<Reconcile, "reconcile">,
  afterwards: () => Promise<void> = async () => {},
): SpoolKeeper {
  const { spool, log } = app;
  const tell = createTeller(app);
  const sweep: Sweep = {
    ...app,
    recordFile: createShells(app).recordFile,
    isInTime: () => true,
    tellStuck: (path, reason) => tell(`${path} ${reason}`),
  };
  let events = 0;
  /** When files are looked at again that were not ready. */
  const later = new Map<string, number>();
  let hasSuccessor = false;
  let draining: Promise<void> | null = null;
  let looking: Promise<void> | null = null;

  const drain = async () => {
    for (let paths = spool.take(filesAtOnce); paths.length > 0; paths = spool.take(filesAtOnce)) {
      hasSuccessor ||= paths.some(isOfSuccessor);
      const outcomes = await Promise.allSettled(paths.map((path) => recordOne(path, sweep)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) tell("Recording failed", failed.reason);
      for (const [at, outcome] of outcomes.entries()) {
        const isDone = outcome.status === "fulfilled" && outcome.value !== null;
        if (!isDone) later.set(paths[at] ?? "", performance.now() + notReadyMs);
      }
      await setImmediate();
    }
  };
  const record = () => {
    draining ??= drain().finally(() => {
      draining = null;
    });
    return draining;
  };
  const watcher = createFolderWatcher(spool.folder, (name) => {
    events += 1;
    spool.note(name);
    void record();
  });
  const lookAgain = () => {
    for (const [path, atMs] of later) {
      // In the order in which they become due.
      if (atMs > performance.now()) break;
      later.delete(path);
      spool.wait(path);
    }
    return record();
  };
  spool.onLate(() => void record());
  let roomNotBeforeMs = 0;
  const lookThrough = async () => {
    const beganMs = performance.now();
    events = 0;
    try {
      watcher.renew();
    } catch (error) {
      // Then the folder is looked through again and again instead.
      tell("The spool cannot be watched", error);
    }
    try {
      await spool.lookThrough();
    } catch (error) {
      tell("The spool cannot be used", error);
    }
    const doneMs = performance.now();
    roomNotBeforeMs = doneMs + (doneMs - beganMs) / shareForRoom;
    await record();
  };
  const mayHaveMissed = () =>
    (spool.hasRoomAgain && performance.now() >= roomNotBeforeMs) || events > eventsBeforeLoss || !watcher.isWatching();
  const lookAtAll = async () => {
    hasSuccessor = false;
    await reconcile(deadlinesMs.tick);
    await afterwards();
  };

  return {
    async keep(signal) {
      let lastTickMs = Number.NEGATIVE_INFINITY;
      while (!signal.aborted) {
        const sinceMs = performance.now() - lastTickMs;
        const isTick = sinceMs >= tickMs;
        if (isTick || mayHaveMissed()) await lookThrough();
        await lookAgain();
        if ((isTick || (hasSuccessor && sinceMs >= successorMs)) && looking === null) {
          lastTickMs = performance.now();
          // What is missed meanwhile is not to wait until the last process was looked at.
          looking = lookAtAll().finally(() => {
            looking = null;
          });
        }
        await sleep(checkMs, undefined, { signal }).catch(() => {});
      }
      watcher.close();
      await Promise.all([draining, looking]);
      log.info("Spool left", { folder: spool.folder });
    },
  };
}

function isOfSuccessor(path: string): boolean {
  return /\.\d+\.\d+\.\d+$/.test(path);
}

/** What goes wrong again and again is told once in a while. */
const sameWordsMs = 600_000;
const mostWords = 1_000;

function createTeller({ log }: Pick<ShellsApp, "log">): (words: string, error?: unknown) => void {
  const told = new Map<string, number>();
  return (words, error) => {
    const reason = error instanceof Error ? error.message : "";
    const last = told.get(words + reason);
    if (last !== undefined && performance.now() - last < sameWordsMs) return;
    if (told.size >= mostWords) told.clear();
    told.set(words + reason, performance.now());
    if (error === undefined) log.warning("State file left", { reason: words });
    else logFailure(log, words, error);
  };
}

interface FolderWatcher {
  /** Watches the folder that has the name now, when it is not that one already. @throws the file system's error */
  renew(): void;
  isWatching(): boolean;
  close(): void;
}

function createFolderWatcher(folder: string, onName: (name: string) => void): FolderWatcher {
  let watched: { readonly watcher: FSWatcher; readonly inode: number } | null = null;
  const close = () => {
    watched?.watcher.close();
    watched = null;
  };
  const inodeNow = () => lstatSync(folder, { throwIfNoEntry: false })?.ino;
  return {
    renew() {
      const inode = lstatSync(folder).ino;
      if (watched?.inode === inode) return;
      close();
      const watcher = watch(folder, (_, name) => {
        if (name !== null) onName(name);
      });
      watcher.on("error", close);
      watched = { watcher, inode };
    },
    isWatching: () => watched !== null && watched.inode === inodeNow(),
    close,
  };
}
