/** The composition root: a configuration becomes the few functions that commands and server call. */
import { dirname } from "node:path";
import type { Gate } from "../auth/gate.ts";
import { isSweepDue, reconcile, type SweepReport } from "../capture/reconcile.ts";
import { createShells, type Shells } from "../capture/shells.ts";
import type { Config } from "../config/config.ts";
import { directoryProblem } from "../host/directory.ts";
import { ensurePrivateFolder } from "../host/folder.ts";
import { look } from "../host/liveness.ts";
import { createMachine, newUuid, openProcesses } from "../host/machine.ts";
import type { Log } from "../log.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Observation, ProcessIdentity } from "../tracker/event.ts";
import type { ProcessLook } from "../tracker/explain.ts";
import { instantFromMs } from "../tracker/instant.ts";
import type { Store } from "../tracker/store.ts";
import { createTracker } from "../tracker/tracker.ts";
import { parseEnd, parseStart } from "../wire/parse-event.ts";
import { type EndResult, ended, endFailed, notFound, type StartResult, startFailed, tracked } from "../wire/result.ts";
import { type CallListener, createCalls } from "./track.ts";

const passingIntervalMs = 2_000;
const passingDeadlineMs = 200;

type Questions =
  | "session"
  | "sessions"
  | "events"
  | "changes"
  | "lastSeq"
  | "eventsOf"
  | "stats"
  | "componentCounts"
  | "problems";
type Upkeep = "countPrunable" | "prune" | "backup" | "transact";

export interface App extends Pick<Store, Questions | Upkeep> {
  /** Whether calls over the wire need a token. */
  readonly isGuarded: boolean;
  /** Answers `track_session_start`: the gate, the contract's rules, the record, a log line. Never throws. */
  trackStart(args: unknown): Promise<StartResult>;
  /** Answers `track_session_end` in the same way. */
  trackEnd(args: unknown): Promise<EndResult>;
  /** Tells one listener, from now on, of each of these calls once it is answered. */
  onCall(listener: CallListener): void;
  /**
   * Lets a call over the wire through, by the token in its arguments.
   *
   * @throws SessionBuddyError `auth.*` when a token is needed and this one is not accepted
   */
  authenticate(args: unknown): Promise<string | null>;
  /** Looks at the process of a session, as reconciling does. */
  look(process: ProcessIdentity): ProcessLook;
  /** @returns the parent of a process of this machine, 0 for the first of all; null when it cannot be looked at */
  parentOf(pid: number): number | null;
  /** Shells of this machine: what the command line and the hooks record. */
  readonly shells: Shells;
  /**
   * Finishes what shells left behind (see `reconcile.ts`). Never throws: the log has what went wrong.
   *
   * @returns null when another process is at it, or it could not be done
   */
  reconcile(deadlineMs: number): Promise<SweepReport | null>;
  /** The same in passing, for a start: only when the last sweep is older than two seconds, and for a short time. */
  reconcileInPassing(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the store and puts the program together.
 *
 * @param gate - lets calls over the wire through, or not; null lets every call through
 * @throws SessionBuddyError `storage.*` when the store cannot be used
 */
export async function openApp(config: Config, log: Log, gate: Gate | null): Promise<App> {
  ensurePrivateFolder(config.paths.dataFolder, "data folder");
  const store = await openSqliteStore({ path: config.paths.database });
  const machine = createMachine(config.paths.hostIdFile, await openProcesses());
  const tracker = createTracker({
    store,
    newEventId: newUuid,
    hostname: machine.facts.hostname,
    directoryProblem,
  });
  const authenticate = async (args: unknown) => (gate === null ? null : gate(argument(args, "token")));
  const calls = createCalls();
  const { stateFolder } = config.paths;
  const shells = createShells({
    component: config.settings.component,
    machine,
    tracker,
    log,
    prepareFolder: (stateFile) => {
      if (dirname(stateFile) === stateFolder) ensurePrivateFolder(stateFolder, "state folder");
    },
  });
  const sweep = async (deadlineMs: number) => {
    try {
      ensurePrivateFolder(stateFolder, "state folder");
      return await reconcile({ stateFolder, machine, store, tracker, log, recordFile: shells.recordFile }, deadlineMs);
    } catch (error) {
      logFailure(log, "Reconciling failed", error);
      return null;
    }
  };

  return {
    isGuarded: gate !== null,
    async trackStart(args) {
      const answered = calls.start(argument(args, "component_name"));
      try {
        const caller = await authenticate(args);
        const parsed = parseStart(args);
        const { hostname, pid, componentName, shellType } = parsed.content;
        const isLocal = hostname === machine.facts.hostname;
        const process = isLocal ? machine.identify(pid) : null;
        const { sessionId } = await tracker.start(parsed, arrival(caller, process));
        log.info("Session start tracked", {
          session_id: sessionId,
          component: componentName,
          shell_type: shellType,
          pid,
          status: "tracked",
        });
        return answered(tracked(sessionId));
      } catch (error) {
        logFailure(log, "Session start failed", error);
        return answered(startFailed(error));
      }
    },
    async trackEnd(args) {
      const answered = calls.end(argument(args, "session_id"));
      try {
        const caller = await authenticate(args);
        const { sessionId, content } = parseEnd(args);
        const outcome = await tracker.end(sessionId, content, arrival(caller, null));
        if (outcome === "not_found") {
          log.warning("Session end for an unknown session", { session_id: sessionId, status: "not_found" });
          return answered(notFound(sessionId));
        }
        log.info("Session end tracked", { session_id: sessionId, status: "ended" });
        return answered(ended(sessionId));
      } catch (error) {
        logFailure(log, "Session end failed", error);
        return answered(endFailed(argument(args, "session_id"), error));
      }
    },
    onCall: calls.listen,
    authenticate,
    look: (process) => look(process, machine),
    parentOf: (pid) => machine.processes.parentOf(pid),
    session: (sessionId) => store.session(sessionId),
    sessions: (query) => store.sessions(query),
    eventsOf: (sessionId) => store.eventsOf(sessionId),
    events: (afterSeq, limit) => store.events(afterSeq, limit),
    changes: (afterSeq, limit) => store.changes(afterSeq, limit),
    lastSeq: () => store.lastSeq(),
    componentCounts: () => store.componentCounts(),
    stats: (by, query) => store.stats(by, query),
    countPrunable: (endedBefore) => store.countPrunable(endedBefore),
    prune: (endedBefore, limit) => store.prune(endedBefore, limit),
    transact: (work) => store.transact(work),
    backup: (path, onProgress) => store.backup(path, onProgress),
    problems: () => store.problems(),
    shells,
    reconcile: sweep,
    async reconcileInPassing() {
      if (isSweepDue(stateFolder, passingIntervalMs)) await sweep(passingDeadlineMs);
    },
    close: () => store.close(),
  };
}

/** What is seen of an event that came over the wire: it happened before, so the boot clock says nothing about it. */
function arrival(caller: string | null, process: ProcessIdentity | null): Observation {
  return { recordedAt: instantFromMs(Date.now()), caller, process, bootClock: null };
}

function argument(args: unknown, name: string): unknown {
  return typeof args === "object" && args !== null ? (args as Record<string, unknown>)[name] : undefined;
}

/** The reason in full goes to the log; what was sent stays out of it, because it may hold a token. */
export function logFailure(log: Log, message: string, error: unknown): void {
  if (!(error instanceof SessionBuddyError)) {
    log.error(message, { code: "internal", reason: error instanceof Error ? error.message : "unknown" });
    return;
  }
  const reason = error.detail ?? error.message;
  if (error.code.startsWith("storage")) log.error(message, { code: error.code, reason });
  else log.warning(message, { code: error.code, reason });
}
