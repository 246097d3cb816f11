/** Owns which shells prove that they load a hook, by being on record: wherever their startup files have it from. */
import { existsSync } from "node:fs";
import { type App, openApp } from "../app/app.ts";
import { processOfFile, startInstantOf } from "../capture/shell-events.ts";
import type { StateFile } from "../capture/state-file.ts";
import { readAgain, stateFilesIn } from "../capture/state-folder.ts";
import { resolveConfig } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { type Paths, resolvePaths } from "../config/paths.ts";
import { isRunning, liveness } from "../host/liveness.ts";
import { createMachine, type Machine, openProcesses } from "../host/machine.ts";
import { isPrivateFolder } from "../host/private-folder.ts";
import { lineage } from "../host/processes.ts";
import { createLog } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { ProcessIdentity } from "../tracker/event.ts";
import type { Session } from "../tracker/fold.ts";
import { formatInstant, type Instant, instantFromMs } from "../tracker/instant.ts";
import { attempt, settled } from "./finding.ts";
import { type ShellName, shellNames } from "./hook-line.ts";
import type { PlaceState } from "./hooks.ts";

/** A shell that its own hook has put on record. */
export interface HookedShell {
  readonly shell: ShellName;
  /** Null while the record does not have it yet. */
  readonly sessionId: string | null;
  readonly startedAt: Instant;
  /** Whether it asks, is around the process that asks, is open elsewhere, or is over. */
  readonly place: "this" | "around" | "open" | "over";
}

/** How many of the latest sessions are looked at. */
export const recentSessions = 200;
/** A shell that is over says little about startup files that were changed since. */
const proofIsGoodForMs = 86_400_000;

const places = ["this", "around", "open", "over"] as const satisfies HookedShell["place"][];

/** @returns the best proof of each shell: the nearest one to the process that asks, the newest of those alike */
export function bestProofs(shells: readonly HookedShell[]): ReadonlyMap<ShellName, HookedShell> {
  const rank = ({ place }: HookedShell) => places.indexOf(place);
  const sorted = [...shells].sort((a, b) => rank(a) - rank(b) || (a.startedAt < b.startedAt ? 1 : -1));
  return new Map(sorted.reverse().map((one) => [one.shell, one]));
}

/** @returns the states of files, with one row instead for each shell that has its hook from elsewhere: what is on record is believed */
export function withProofs(
  states: readonly PlaceState[],
  proofs: ReadonlyMap<ShellName, HookedShell>,
): readonly PlaceState[] {
  const rows = Map.groupBy(states, ({ shell, kind }) => `${shell} ${kind}`);
  return [...rows.values()].flatMap((places) => {
    const [first] = places;
    const proof = first?.kind === "hook" ? proofs.get(first.shell) : undefined;
    if (first === undefined || proof === undefined || places.some(({ state }) => state !== "missing")) return places;
    return [{ ...first, state: "elsewhere" as const, reason: wordsForProof(proof) }];
  });
}

/** @returns what such a shell proves where no file is known to load its hook, as a sentence */
function wordsForProof({ sessionId, startedAt, place }: HookedShell): string {
  const id = sessionId ?? "its id is still to come";
  const who = {
    this: `this shell is on record (${id})`,
    around: `the shell around this one is on record (${id})`,
    open: `an open shell is on record (${id})`,
    over: `a shell of ${formatInstant(startedAt).slice(0, 10)} is on record (${id})`,
  }[place];
  return `${who}, though no startup file that session-buddy manages loads its hook`;
}

/**
 * Looks at whatever can be looked at without making or changing a thing; what is wrong is for the doctor to tell.
 *
 * @param pid - the process that asks
 */
export async function findHookedShells(env: Environment, pid: number): Promise<readonly HookedShell[]> {
  const paths = attempt(() => resolvePaths(env));
  if (paths instanceof SessionBuddyError) return [];
  return [...(await shellsByFile(paths, pid)), ...(await shellsInDatabase(env, paths, pid))];
}

/** The open shells whose hooks have made a file in the state folder, which nobody else does. */
export async function shellsByFile({ stateFolder, hostIdFile }: Paths, pid: number): Promise<readonly HookedShell[]> {
  if (attempt(() => isPrivateFolder(stateFolder, "state folder")) !== true) return [];
  const paths = stateFilesIn(stateFolder);
  if (paths.length === 0) return [];
  const machine = createMachine(hostIdFile, await openProcesses());
  const line = lineage(pid, machine.processes);
  return paths.flatMap((path) => hookedByFile(readAgain(path), machine, line));
}

function hookedByFile(file: StateFile | null, machine: Machine, line: readonly number[]): HookedShell[] {
  const shell = toShell(file?.start?.fields.get("shell"));
  if (file?.process == null || shell === null) return [];
  const identity = processOfFile(file, machine);
  // A shell that was replaced by another program is not there any more, though its process and its file are.
  if (!isRunning(identity, machine) || liveness(identity, machine).state === "dead") return [];
  return [{ shell, sessionId: file.sessionId, startedAt: startInstantOf(file), place: placeOf(identity, line) }];
}

async function shellsInDatabase(env: Environment, paths: Paths, pid: number): Promise<readonly HookedShell[]> {
  const config = await settled(resolveConfig(env));
  if (config instanceof SessionBuddyError) return [];
  const isThere = attempt(() => isPrivateFolder(paths.dataFolder, "data folder") && existsSync(paths.database));
  if (config.settings.store === null && isThere !== true) return [];
  const app = await settled(openApp(config, createLog({ toStandardError: false, file: null })));
  if (app instanceof SessionBuddyError) return [];
  const sessions = await settled(shellsOnRecord(app, pid).finally(() => app.close()));
  return sessions instanceof SessionBuddyError ? [] : sessions;
}

/** The newest shell of each kind on record that began with its hook on this host, and is open or of the last day. */
export async function shellsOnRecord(
  { store, machine }: Pick<App, "store" | "machine">,
  pid: number,
): Promise<readonly HookedShell[]> {
  const line = lineage(pid, machine.processes);
  const since = instantFromMs(Date.now() - proofIsGoodForMs);
  const found = new Map<string, HookedShell>();
  for (const session of await store.sessions({ limit: recentSessions })) {
    const one = toHookedShell(session, machine, line);
    if (one === null || (one.place === "over" && one.startedAt < since)) continue;
    const key = `${one.shell} ${one.place}`;
    if (!found.has(key) && (await isByHook(session, store))) found.set(key, one);
  }
  return [...found.values()];
}

/** @returns whether the shell's own file told its start */
export async function isByHook({ sessionId }: Session, store: Pick<App["store"], "eventsOf">): Promise<boolean> {
  const events = await store.eventsOf(sessionId);
  return events.some(({ event }) => event.kind === "start" && event.observed.source?.kind === "hook");
}

function toHookedShell(session: Session, machine: Machine, line: readonly number[]): HookedShell | null {
  const { sessionId, startedAt, process, state } = session;
  const shell = toShell(session.shellType);
  if (shell === null || process === null || process.hostId === null || process.hostId !== machine.hostId) return null;
  const isOpen = state === "active" && liveness(process, machine).state !== "dead";
  return { shell, sessionId, startedAt, place: isOpen ? placeOf(process, line) : "over" };
}

function placeOf({ pid }: Pick<ProcessIdentity, "pid">, line: readonly number[]): HookedShell["place"] {
  if (line[0] === pid) return "this";
  return line.includes(pid) ? "around" : "open";
}

function toShell(name: string | undefined): ShellName | null {
  return shellNames.find((shell) => shell === name) ?? null;
}
