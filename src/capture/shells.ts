/** Owns the life of this machine's own shells, as the command line or their state files tell it. */
import { basename, dirname } from "node:path";
import { newUuid } from "../host/machine.ts";
import { ensurePrivateFolder } from "../host/private-folder.ts";
import { identityByStat } from "../host/processes.ts";
import type { Log } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { ProcessIdentity } from "../tracker/event.ts";
import type { Session } from "../tracker/fold.ts";
import { instantFromMs, instantToMs } from "../tracker/instant.ts";
import type { SessionIndex } from "../tracker/store.ts";
import type { EndOutcome, FindSession, ToldEnd, Tracker } from "../tracker/tracker.ts";
import { type ClaimFields, claimsIn, findCircumstances, keptClaims, ownClaims } from "./circumstances.ts";
import { leftBeside, leftIn } from "./left-files.ts";
import {
  byHook,
  endContent,
  endOfRecord,
  observation,
  observationOf,
  parsedStart,
  type Recorder,
  type ShellEnd,
  type StartFields,
  startOfFile,
} from "./shell-events.ts";
import type { Spool } from "./spool.ts";
import {
  cacheSessionId,
  createStateFile,
  readStateFile,
  readWritten,
  removeStateFile,
  type StateFile,
} from "./state-file.ts";
import { hasPredecessor, readAgain, stateFilesIn } from "./state-folder.ts";
import { byCommand, openSessionOf, refuseWhileAlive, requireProcess } from "./typed.ts";

/** A shell to record; what is missing is looked up. */
export interface ShellStart {
  readonly component?: string | undefined;
  /** For example `bash`; default the command name of the process. */
  readonly shellType?: string | undefined;
  /** The shell's process, 1 to 4194304. */
  readonly pid: number;
  readonly cwd: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** What this program's environment says of where it runs; nothing by default. It counts for a shell around this program alone. */
  readonly claims?: ClaimFields;
}

export interface StartOutcome {
  readonly session: Session;
  /** Whether the shell was on record before. */
  readonly isKnown: boolean;
}

export interface Shells {
  /**
   * Records a shell that somebody names. One that is on record under this component stays the session that it is.
   *
   * @throws SessionBuddyError `invalid` with the contract's sentence, or where there is no such process;
   *   `storage.*`
   */
  start(shell: ShellStart): Promise<StartOutcome>;
  /**
   * Records an end that somebody tells.
   *
   * @param isForced - whether an end is recorded too while the session's process is proven alive
   * @throws SessionBuddyError `invalid` when that process lives and the caller is not one of its own
   */
  end(sessionId: string, end: ShellEnd, isForced: boolean): Promise<EndOutcome>;
  /**
   * Brings on record what a state file says and caches the session id in it; makes the file from `shell` when there is
   * none. May be called any number of times, also after the end.
   *
   * @param shell - makes the file where there is none; claims alone when the shell made it itself: a file that is gone is
   *   finished, and a new one would be a second session of the same shell
   * @returns null when there is neither a file nor a shell to make it from
   */
  startFromFile(path: string, shell: ShellStart | { readonly claims: ClaimFields }): Promise<Session | null>;
  /**
   * Brings on record the end that a state file tells, else `end` as of now, the start too where that is missing; then
   * removes the file. The file of a shell that took the place of another stays for reconciling, which needs it as the
   * proof of the other's end.
   */
  endFromFile(path: string, end: ShellEnd): Promise<Session>;
  /** Brings on record what a state file says, and removes it, where it can be, when it tells the end. */
  recordFile(file: StateFile): Promise<Session>;
}

/** What recording shells needs of the program. */
export interface ShellsApp extends Recorder {
  readonly store: Pick<SessionIndex, "session" | "activeOfHost" | "activeOfPids" | "remoteOfLogin">;
  readonly tracker: Tracker;
  readonly log: Log;
  /** The spool that this program keeps; none by default. */
  readonly spool?: Spool | null;
}

export function createShells(app: ShellsApp): Shells {
  const { machine, tracker, log } = app;

  /** @param claims - what the file leaves open of what the shell's environment says */
  const recordStart = async (
    file: StateFile,
    claims: ClaimFields = {},
    end: ToldEnd | null = null,
  ): Promise<Session> => {
    const { parsed, process, stat, bootClock } = startOfFile(file, app);
    // A file that has a session id was on record: nothing of its surroundings is needed again.
    const shell = { process, stat: file.sessionId === null ? stat : null, claims: claimsIn(file, claims) };
    const circumstances = await findCircumstances(
      { ...shell, ownerUid: file.owner?.uid ?? null, claimedBy: "hook" },
      app,
      leftBeside(file, app, recordQuietly),
    );
    const observed = observationOf(file, observation(byHook, process, bootClock, circumstances));
    return end === null ? tracker.startOfHost(parsed, observed) : tracker.lifeOfHost(parsed, observed, end);
  };

  /** What is wrong with another shell's file is said where that file is looked at. */
  const recordQuietly = async (file: StateFile | null): Promise<void> => {
    if (file === null || file.sessionId !== null || file.end !== null || file.start?.isTorn !== false) return;
    await recordFile(file).catch(() => {});
  };

  const recordFile = async (file: StateFile, claims?: ClaimFields): Promise<Session> => {
    // Both in one commit, each of which takes as long as the disk does.
    const session = await recordStart(file, claims, file.end === null ? null : endOfRecord(file, file.end, machine));
    if (file.owner !== null) app.spool?.recorded(file, session.sessionId);
    else if (file.sessionId === null) cacheQuietly(file.path, session.sessionId, log);
    if (file.end !== null) finishWith(file);
    return session;
  };

  const finishWith = (file: StateFile): void => {
    const left = hasPredecessor(file.path, file.owner?.uid ?? null) ? null : removeStateFile(file.path);
    if (left !== null) log.warning("State file not removed", { file: file.path, reason: left });
  };

  return {
    recordFile,
    async start(shell) {
      const fields = fieldsOf(shell, app);
      const parsed = parsedStart(newUuid(), fields, machine, shell.metadata);
      const { pid } = parsed.content;
      const stat = machine.processes.stat(pid);
      const process = identityByStat(pid, stat, machine);
      requireProcess(process, machine);
      for (const file of filesOf(process, app)) await recordFile(file);
      const surrounded = { process, stat, claims: ownClaims(shell, app.machine), claimedBy: "command" } as const;
      const left = leftIn(app.config.paths.stateFolder, recordQuietly);
      const circumstances = await findCircumstances(surrounded, app, left);
      const seen = observation(byCommand(), process, machine.bootClock(), circumstances);
      // Of several starts that are typed at once, each but the first finds its session.
      const findSame: FindSession = (tx) => openSessionOf(process, parsed.content.componentName, tx);
      const session = await tracker.startOfHost(parsed, seen, findSame);
      return { session, isKnown: session.startEventId !== parsed.eventId };
    },
    async end(sessionId, end, isForced) {
      const session = await app.store.session(sessionId);
      if (session !== null && !isForced) refuseWhileAlive(session, machine);
      const content = endContent(instantFromMs(Date.now()), end);
      return tracker.end(sessionId, content, observation(byCommand(), null, machine.bootClock()));
    },
    async startFromFile(path, shell) {
      const file = (await readWritten(path)) ?? ("pid" in shell ? madeFrom(path, shell, app) : null);
      return file === null ? null : recordFile(file, "pid" in shell ? {} : shell.claims);
    },
    async endFromFile(path, end) {
      const file = await readWritten(path);
      if (file === null) throw new SessionBuddyError("not_found", `there is no state file ${path}`);
      const observed = observation(byHook, null, machine.bootClock());
      const told =
        file.end === null
          ? { content: endContent(instantFromMs(Date.now()), end), observed }
          : endOfRecord(file, file.end, machine);
      const session = await recordStart(file, {}, told);
      finishWith(file);
      return session;
    },
  };
}

/** A hook's file that is not on record yet, because its courier is still under way. */
function* filesOf({ bootId, pid, startTicks }: ProcessIdentity, { config }: ShellsApp): Generator<StateFile> {
  const prefix = `${bootId}.${pid}.${startTicks}`;
  for (const path of stateFilesIn(config.paths.stateFolder)) {
    const name = basename(path);
    if (name !== prefix && !name.startsWith(`${prefix}.`)) continue;
    const file = readAgain(path);
    if (file !== null && file.end === null) yield file;
  }
}

function fieldsOf(shell: ShellStart, { config, machine }: ShellsApp): StartFields {
  return {
    startedAt: instantFromMs(Date.now()),
    pid: String(shell.pid),
    shell: shell.shellType ?? machine.processes.nameOf(shell.pid) ?? "",
    cwd: shell.cwd,
    component: shell.component ?? config.settings.component,
  };
}

/** The program stands in for a hook: it writes what the hook would have written. */
function madeFrom(path: string, shell: ShellStart, app: ShellsApp): StateFile {
  const { machine } = app;
  const fields = fieldsOf(shell, app);
  // What breaks a rule is refused before there is a file that could never be finished.
  parsedStart(newUuid(), fields, machine, shell.metadata);
  const { startTicks, executable } = machine.identify(shell.pid);
  const uptimeMs = machine.bootClock()?.ms;
  const { startedAt, ...said } = fields;
  prepareFolder(path, app);
  createStateFile(path, {
    ...said,
    id: newUuid(),
    time: String(instantToMs(startedAt) / 1000),
    uptime: uptimeMs === undefined ? "" : String(uptimeMs / 1000),
    ticks: startTicks ?? "",
    exe: executable ?? "",
    metadata: shell.metadata === null ? "" : JSON.stringify(shell.metadata),
    ...keptClaims(ownClaims(shell, machine), app.config),
  });
  const file = readStateFile(path);
  if (file === null)
    throw new SessionBuddyError("storage.unavailable", `the state file ${path} disappeared; try again`);
  return file;
}

/** The folder of a state file is made where it is ours to make. */
function prepareFolder(path: string, { config }: ShellsApp): void {
  const { stateFolder } = config.paths;
  if (dirname(path) === stateFolder) ensurePrivateFolder(stateFolder, "state folder");
}

/** The cached id is a convenience; the record is in the store already. */
function cacheQuietly(path: string, sessionId: string, log: Log): void {
  try {
    cacheSessionId(path, sessionId);
  } catch (error) {
    log.warning("Session id not cached", { session_id: sessionId, reason: (error as Error).message });
  }
}
