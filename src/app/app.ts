/** Puts the program together: a configuration becomes the parts that every use case is made over. */
import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import type { Spool } from "../capture/spool.ts";
import type { Config } from "../config/config.ts";
import { createDirectories } from "../host/directory.ts";
import { leaveThreads } from "../host/leave.ts";
import { createMachine, type Machine, newUuid, openProcesses } from "../host/machine.ts";
import { ensurePrivateFolder } from "../host/private-folder.ts";
import type { Log } from "../log.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import type { Store } from "../tracker/store.ts";
import { createTracker, type Tracker } from "../tracker/tracker.ts";

/** The parts. A use case is a factory over those that it needs. */
export interface App {
  readonly config: Config;
  readonly log: Log;
  readonly machine: Machine;
  readonly store: Store;
  readonly tracker: Tracker;
  /** The spool that it keeps for the machine; null where the record is one user's. */
  readonly spool: Spool | null;
  /** The last that a process does with it: one with a look at a dead mount under way ends a moment later by force. */
  close(): Promise<void>;
}

/**
 * Opens the data folder and the store.
 *
 * @param spoolFolder - the spool that this program keeps; none by default
 * @throws SessionBuddyError `storage.*` when the store cannot be used
 */
export async function openApp(config: Config, log: Log, spoolFolder: string | null = null): Promise<App> {
  const store = await openStore(config, log);
  const machine = createMachine(config.paths.hostIdFile, await openProcesses());
  const { hostname } = machine.facts;
  const directories = createDirectories();
  const tracker = createTracker({ store, newEventId: newUuid, hostname, directoryProblem: directories.problem });
  const close = async () => {
    await store.close();
    if (directories.isStuck) leaveThreads();
  };
  const spool = spoolFolder === null ? null : await openSpool(spoolFolder, { config, log, machine });
  return { config, log, machine, store, tracker, spool, close };
}

/** The user's file, or the database that the settings name; its driver is loaded for that one alone. */
async function openStore({ paths, settings }: Config, log: Log): Promise<Store> {
  if (settings.store !== null) return openDatabase(settings.store, settings);
  return openFile(paths.database, paths.dataFolder, log);
}

async function openDatabase(url: string, { store_password_file: passwordFile }: Config["settings"]): Promise<Store> {
  const { openPostgresStore } = await import("../store/postgres/store.ts");
  return openPostgresStore({ url, passwordFile });
}

function openFile(path: string, folder: string, log: Log): Promise<Store> {
  const prepareFolder = () => ensurePrivateFolder(folder, "data folder");
  prepareFolder();
  return openSqliteStore({ path, prepareFolder, onReplaced: () => log.warning("Database replaced", { store: path }) });
}

/**
 * Opens another record than the one that the settings name.
 *
 * @param place - an address of PostgreSQL, or the absolute path of a file in a folder of the user alone
 * @throws SessionBuddyError as {@link openApp}
 */
export function openStoreAt(place: string, { config, log }: Pick<App, "config" | "log">): Promise<Store> {
  return place.startsWith("/") ? openFile(place, dirname(place), log) : openDatabase(place, config.settings);
}

/** @returns where the record is, in a message: the path of its file, or the address of its database without a user */
export function placeOfRecord({ paths, settings }: Config): string {
  return settings.store === null
    ? paths.database
    : settings.store.replace(/(?<=:\/\/)[^/?#@]*@/, "").replace(/\?.*$/s, "");
}

/** @returns the folder of the records that this one is delivered to; it is there where there is one */
export function destinationsFolder({ paths }: Pick<Config, "paths">): string {
  return `${paths.dataFolder}/destinations`;
}

/** How often a server that delivers to nobody looks whether its record was enrolled, in milliseconds. */
const enrolledCheckMs = 2_000;

/** Delivers what comes on record, beside everything else; resolves when the signal is aborted and nothing is under way. */
export async function deliverOnceEnrolled(
  signal: AbortSignal,
  app: Pick<App, "config" | "store" | "machine" | "log">,
): Promise<void> {
  while (!signal.aborted) {
    if (lstatSync(destinationsFolder(app.config), { throwIfNoEntry: false }) !== undefined) {
      const { deliverUntil } = await import("./deliver-in-passing.ts");
      return deliverUntil(signal, app);
    }
    await pause(enrolledCheckMs, signal);
  }
}

/** Without the module of such timers, which a start would load with this one. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

/** Loaded where there is one to keep. */
async function openSpool(folder: string, { config, log, machine }: Pick<App, "config" | "log" | "machine">) {
  const { createSpool } = await import("../capture/spool.ts");
  return createSpool({ folder, machine, log, keepsRemote: config.settings.remote });
}
