/** Owns a look at how session-buddy is installed on this machine, for its caller and for everybody; changes nothing. */
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import { stateFilesIn } from "../../capture/state-folder.ts";
import { resolveConfig } from "../../config/config.ts";
import type { Environment } from "../../config/environment.ts";
import { resolvePaths, resolveShellFolders } from "../../config/paths.ts";
import { openProcesses } from "../../host/machine.ts";
import type { Processes } from "../../host/processes.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { settled } from "../finding.ts";
import { type HookOptions, hookStates } from "../hooks.ts";
import { hookFileStates } from "./hook-steps.ts";
import { database, programLink, socket, spoolFolder, unitFile } from "./places.ts";
import { versionThatAnswers } from "./service-answer.ts";
import { isSystemdRunning, unitFileState, unitState } from "./service-steps.ts";
import { type SpoolStatus, spoolStatus } from "./spool-status.ts";
import { currentFolder, installedAtMs, installedVersion, mayHaveBegunBefore } from "./versions.ts";

/** Every value is null where it is not known, or not for the caller to know. */
export interface Status {
  readonly personal: { readonly database: string; readonly exists: boolean; readonly openShells: number };
  readonly machine: { readonly database: string; readonly exists: boolean | null; readonly openShells: number | null };
  readonly program: { readonly path: string; readonly version: string | null; readonly folder: string | null };
  readonly service: ServiceStatus;
  readonly spool: SpoolStatus;
  readonly hooks: readonly HookStatus[];
}

export interface ServiceStatus {
  readonly unit: string;
  /** Where it is to answer. */
  readonly socket: string;
  /** `missing`, `installed`, `differs` (of another version), `other` (not ours). */
  readonly unitFile: ReturnType<typeof unitFileState>;
  /** What systemd says, such as `active`; null where it does not run. */
  readonly active: string | null;
  readonly answers: boolean;
  /** The version that answers. */
  readonly version: string | null;
  /** Whether it began after the program that is installed was put in place. */
  readonly isCurrent: boolean | null;
}

export interface HookStatus {
  readonly shell: string;
  /** Whose shells read the file. */
  readonly scope: "machine" | "own";
  readonly file: string;
  readonly state: string;
  readonly reason: string | null;
}

/** @throws SessionBuddyError `usage` when there is no home folder */
export async function statusOf(env: Environment, programFolder: string): Promise<Status> {
  const paths = resolvePaths(env);
  const processes = await openProcesses();
  const hooks = { folders: resolveShellFolders(env), stateFolder: paths.stateFolder, programFolder };
  const own = stateFilesIn(paths.stateFolder);
  const places = await placesOf(env);
  return {
    personal: {
      database: paths.database,
      exists: existsSync(paths.database),
      openShells: countOpen(own, processes),
    },
    machine: { database, exists: existsFor(database), openShells: openInSpool(places.spool, processes) },
    program: { path: programLink, version: installedVersion(), folder: currentFolder() },
    service: await serviceStatus(places),
    spool: spoolStatus(places.spool),
    hooks: hookStatuses(hooks),
  };
}

interface ServicePlaces {
  readonly spool: string;
  readonly socket: string;
}

/** Those of the settings; where they name none, or cannot be read, those of the installation. */
async function placesOf(env: Environment): Promise<ServicePlaces> {
  const config = await settled(resolveConfig(env));
  const settings = config instanceof SessionBuddyError ? null : config.settings;
  return { spool: settings?.spool ?? spoolFolder, socket: settings?.socket ?? socket };
}

function hookStatuses(options: HookOptions): readonly HookStatus[] {
  const machine = hookFileStates().map(({ shell, path, state, reason }) => ({ shell, file: path, state, reason }));
  const own = hookStates(options).filter(({ kind, state }) => kind === "hook" && state !== "missing");
  return [
    ...machine.map((one) => ({ ...one, scope: "machine" as const })),
    ...own.map(({ shell, file, state, reason }) => ({ shell, scope: "own" as const, file, state, reason })),
  ];
}

/** Files are named after the processes of their shells: `BOOT.PID.TICKS`. */
function countOpen(files: readonly string[], processes: Processes): number {
  const bootId = processes.bootId();
  const names = new Set(files.map((path) => basename(path).split(".").slice(0, 3).join(".")));
  return [...names].filter((name) => {
    const [boot, pid, ticks] = name.split(".");
    const stat = boot === bootId ? processes.stat(Number(pid)) : null;
    return stat !== null && !stat.hasExited && stat.startTicks === ticks;
  }).length;
}

/** Nobody but root and the service may list the spool. */
function openInSpool(spool: string, processes: Processes): number | null {
  try {
    readdirSync(spool);
  } catch {
    return null;
  }
  return countOpen(stateFilesIn(spool), processes);
}

/** @returns null where the caller may not look */
function existsFor(path: string): boolean | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return null;
  }
}

async function serviceStatus(places: ServicePlaces): Promise<ServiceStatus> {
  const state = unitState();
  const keeper = statSync(places.spool, { throwIfNoEntry: false })?.uid ?? null;
  const version = await versionThatAnswers(places.socket, keeper);
  const installedAt = installedAtMs();
  const pid = state?.mainPid ?? null;
  return {
    unit: unitFile,
    socket: places.socket,
    unitFile: unitFileState(),
    active: isSystemdRunning() ? (state?.active ?? null) : null,
    answers: version !== null,
    version,
    isCurrent: pid === null || installedAt === null ? null : !mayHaveBegunBefore(pid, installedAt),
  };
}
