/** Owns the life of this machine's own shells, as the command line or their state files tell it. For `app.ts` alone. */
import { type Machine, newUuid } from "./host/machine.ts";
import {
  cacheSessionId,
  createStateFile,
  readStateFile,
  removeStateFile,
  type StateFile,
  type StateRecord,
} from "./host/state-file.ts";
import type { Log } from "./log.ts";
import { parseJson } from "./tracker/canonical.ts";
import { SessionBuddyError } from "./tracker/errors.ts";
import type { BootClock, EndContent, Observation, ProcessIdentity } from "./tracker/event.ts";
import type { Session } from "./tracker/fold.ts";
import { formatInstant, type Instant, instantFromMs, instantFromSeconds, instantToMs } from "./tracker/instant.ts";
import { componentNameIssue, hostTextRules, type ParsedStart, parseStart } from "./tracker/parse.ts";
import type { EndOutcome, Tracker } from "./tracker/tracker.ts";

/** Pids are given in turn, and come round again after many thousands of processes. */
const pidIsKeptMs = 5_000;

/** A shell to record; what is missing is looked up. */
export interface ShellStart {
  readonly component?: string | undefined;
  /** For example `bash`; default the command name of the process. */
  readonly shellType?: string | undefined;
  /** The shell's process, 1 to 4194304. */
  readonly pid: number;
  readonly cwd: string;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** How a shell ended, as far as it is known. */
export type ShellEnd = Pick<EndContent, "exitCode" | "reason"> & Partial<Pick<EndContent, "signal">>;

export interface Shells {
  /** @throws SessionBuddyError `invalid` with the contract's sentence, or `storage.*` */
  start(shell: ShellStart): Promise<Session>;
  end(sessionId: string, end: ShellEnd): Promise<EndOutcome>;
  /**
   * Brings on record what a state file says and caches the session id in it; makes the file from `shell` when there is
   * none. May be called any number of times, also after the end.
   *
   * @param shell - null when the shell made the file itself: a file that is gone is finished, and a new one would be a
   *   second session of the same shell
   * @returns null when there is neither a file nor a shell to make it from
   */
  startFromFile(path: string, shell: ShellStart | null): Promise<Session | null>;
  /**
   * Brings on record the end that a state file tells, else `end` as of now, the start too where that is missing; then
   * removes the file.
   */
  endFromFile(path: string, end: ShellEnd): Promise<Session>;
  /** Brings on record what a state file says, and removes it when it tells the end. */
  recordFile(file: StateFile): Promise<Session>;
}

interface ShellsDependencies {
  /** Component name of shells that name none. */
  readonly component: string;
  readonly machine: Machine;
  readonly tracker: Tracker;
  readonly log: Log;
  /** Makes the folder of a state file where it is ours to make. */
  readonly prepareFolder: (stateFile: string) => void;
}

export function createShells(dependencies: ShellsDependencies): Shells {
  const { machine, tracker, log } = dependencies;

  const recordFile = async (file: StateFile): Promise<Session> => {
    const session = await tracker.startOfHost(...startOfFile(file, dependencies));
    if (file.sessionId === null) cacheQuietly(file.path, session.sessionId, log);
    if (file.end !== null) await endOfFile(file, session, file.end, { exitCode: null, reason: null });
    return session;
  };

  const endOfFile = async (file: StateFile, session: Session, record: StateRecord | null, end: ShellEnd) => {
    const told = record === null ? null : endOfRecord(file, record, machine);
    const content = told?.content ?? endContent(instantFromMs(Date.now()), end);
    const bootClock = told === null ? machine.bootClock() : told.bootClock;
    await tracker.end(session.sessionId, content, observation(null, bootClock));
    removeStateFile(file.path);
  };

  return {
    recordFile,
    start(shell) {
      const parsed = parsedStart(newUuid(), fieldsOf(shell, dependencies), machine, shell.metadata);
      return tracker.startOfHost(parsed, observation(machine.identify(parsed.content.pid), machine.bootClock()));
    },
    end(sessionId, end) {
      const content = endContent(instantFromMs(Date.now()), end);
      return tracker.end(sessionId, content, observation(null, machine.bootClock()));
    },
    async startFromFile(path, shell) {
      const file = readStateFile(path) ?? (shell === null ? null : madeFrom(path, shell, dependencies));
      return file === null ? null : recordFile(file);
    },
    async endFromFile(path, end) {
      const file = readStateFile(path);
      if (file === null) throw new SessionBuddyError("not_found", `there is no state file ${path}`);
      const session = await tracker.startOfHost(...startOfFile(file, dependencies));
      await endOfFile(file, session, file.end, end);
      return session;
    },
  };
}

/** What a start record says, and a shell that the command line describes. */
interface StartFields {
  readonly startedAt: Instant;
  readonly pid: string;
  readonly shell: string;
  readonly cwd: string;
  readonly component: string;
}

function fieldsOf(shell: ShellStart, { component, machine }: ShellsDependencies): StartFields {
  return {
    startedAt: instantFromMs(Date.now()),
    pid: String(shell.pid),
    shell: shell.shellType ?? machine.processes.nameOf(shell.pid) ?? "",
    cwd: shell.cwd,
    component: shell.component ?? component,
  };
}

/** The program stands in for a hook: it writes what the hook would have written. */
function madeFrom(path: string, shell: ShellStart, dependencies: ShellsDependencies): StateFile {
  const fields = fieldsOf(shell, dependencies);
  // What breaks a rule is refused before there is a file that could never be finished.
  parsedStart(newUuid(), fields, dependencies.machine, shell.metadata);
  const { startTicks, executable } = dependencies.machine.identify(shell.pid);
  const uptimeMs = dependencies.machine.bootClock()?.ms;
  const { startedAt, ...said } = fields;
  dependencies.prepareFolder(path);
  createStateFile(path, {
    ...said,
    id: newUuid(),
    time: String(instantToMs(startedAt) / 1000),
    uptime: uptimeMs === undefined ? "" : String(uptimeMs / 1000),
    ticks: startTicks ?? "",
    exe: executable ?? "",
    metadata: shell.metadata === null ? "" : JSON.stringify(shell.metadata),
  });
  const file = readStateFile(path);
  if (file === null) throw new SessionBuddyError("storage.unavailable", `the state file ${path} vanished`);
  return file;
}

function startOfFile(file: StateFile, { component, machine }: ShellsDependencies): [ParsedStart, Observation] {
  const field = (name: string) => file.start?.fields.get(name) ?? "";
  const pid = field("pid") || String(file.process?.pid ?? "");
  const fields: StartFields = {
    startedAt: startInstantOf(file),
    pid,
    shell: field("shell"),
    cwd: field("cwd"),
    // What a shell says is a fact even where its environment is wrong about a name.
    component: componentNameIssue(field("component")) === null ? field("component") : component,
  };
  const parsed = parsedStart(file.eventId, fields, machine, metadataOf(field("metadata")), {
    ...(field("version") === "" ? {} : { shell_version: field("version") }),
    ...(/^[1-9]\d{0,6}$/.test(field("ppid")) ? { parent_pid: field("ppid") } : {}),
  });
  const identity = processOfFile(file, machine);
  return [parsed, observation(identity, bootClockOf(identity.bootId, field("uptime"), machine))];
}

/** @returns the process of the shell that wrote a state file, as that shell knew it */
export function processOfFile(file: StateFile, machine: Machine): ProcessIdentity {
  const field = (name: string) => file.start?.fields.get(name) ?? "";
  const seen = machine.identify(Number(field("pid")) || (file.process?.pid ?? 0));
  return {
    ...seen,
    bootId: field("boot") || (file.process?.bootId ?? machine.bootId),
    startTicks: field("ticks") || (file.process?.startTicks ?? (isStillItsOwn(file, machine) ? seen.startTicks : null)),
    executable: field("exe") || null,
  };
}

/** Without proc(5) a shell cannot say when its process started. Within seconds of its word, nobody else has its pid. */
function isStillItsOwn(file: StateFile, { processes }: Machine): boolean {
  return !processes.hasProc && Math.abs(Date.now() - file.createdMs) < pidIsKeptMs;
}

/** When the shell of a state file started: by its own clock, else by the file's. */
export function startInstantOf(file: StateFile): Instant {
  return instantFromSeconds(file.start?.fields.get("time") ?? "") ?? instantFromMs(file.createdMs);
}

function endOfRecord(
  file: StateFile,
  record: StateRecord,
  machine: Machine,
): { content: EndContent; bootClock: BootClock | null } {
  const field = (name: string) => record.fields.get(name) ?? "";
  const code = field("code");
  const at = instantFromSeconds(field("time")) ?? instantFromMs(file.changedMs);
  const bootId = file.start?.fields.get("boot") || (file.process?.bootId ?? null);
  return {
    content: endContent(at, {
      exitCode: /^\d{1,9}$/.test(code) ? Number(code) : null,
      reason: field("reason") || null,
      signal: field("signal") || null,
    }),
    bootClock: bootClockOf(bootId, field("uptime"), machine),
  };
}

function endContent(timestamp: Instant, end: ShellEnd): EndContent {
  return { timestamp, reason: end.reason, exitCode: end.exitCode, signal: end.signal ?? null, metadata: null };
}

/** A shell of this machine goes through the contract's parser like any other event, with the machine's own limits. */
function parsedStart(
  eventId: string,
  fields: StartFields,
  { facts }: Machine,
  metadata: unknown,
  environmentExtra: Readonly<Record<string, string>> = {},
): ParsedStart {
  const input = {
    event_version: "1.0",
    event_id: eventId,
    component_name: fields.component,
    shell_type: fields.shell,
    timestamp: formatInstant(fields.startedAt),
    pid: fields.pid,
    user: { username: facts.username, home: facts.home },
    hostname: facts.hostname,
    environment: { ...environmentExtra, python_version: "", platform: facts.platform, cwd: fields.cwd },
    metadata,
  };
  return parseStart(input, hostTextRules);
}

/** @param uptime - seconds since boot, as in proc_uptime(5) */
function bootClockOf(bootId: string | null, uptime: string, machine: Machine): BootClock | null {
  if (bootId === null || !/^\d{1,11}(?:\.\d+)?$/.test(uptime)) return null;
  const clockId = bootId === machine.bootId ? machine.clockId : bootId;
  return { bootId: clockId ?? bootId, ms: Math.round(Number(uptime) * 1000) };
}

function metadataOf(text: string): unknown {
  try {
    return text === "" ? null : parseJson(text);
  } catch {
    return null;
  }
}

function observation(process: ProcessIdentity | null, bootClock: BootClock | null): Observation {
  return { recordedAt: instantFromMs(Date.now()), caller: null, process, bootClock };
}

/** The cached id is a convenience; the record is in the store already. */
function cacheQuietly(path: string, sessionId: string, log: Log): void {
  try {
    cacheSessionId(path, sessionId);
  } catch (error) {
    log.warning("Session id not cached", { session_id: sessionId, reason: (error as Error).message });
  }
}
