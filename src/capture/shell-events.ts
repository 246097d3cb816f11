/** Owns what a shell or its state file says, as the events of the core. */
import type { Config } from "../config/config.ts";
import type { Machine } from "../host/machine.ts";
import { identityByStat, type ProcessStat } from "../host/processes.ts";
import type { Program } from "../host/program.ts";
import { parseJson } from "../tracker/canonical.ts";
import type { ToldCircumstances } from "../tracker/circumstances.ts";
import type {
  BootClock,
  EndContent,
  EventSource,
  Observation,
  ParsedStart,
  ProcessIdentity,
} from "../tracker/event.ts";
import { type Instant, instantFromMs, instantFromSeconds } from "../tracker/instant.ts";
import { componentNameIssue, largestExitCode } from "../tracker/limits.ts";
import { checkedStart } from "../tracker/start-rules.ts";
import type { ToldEnd } from "../tracker/tracker.ts";
import type { StateFile, StateRecord } from "./state-file.ts";

/** Pids are given in turn, and come round again after many thousands of processes. */
const pidIsKeptMs = 5_000;

/** How a shell ended, as far as it is known. */
export type ShellEnd = Pick<EndContent, "exitCode" | "reason"> & Partial<Pick<EndContent, "signal">>;

/** Who records: this machine, and the settings that name the component of shells that name none. */
export interface Recorder {
  readonly config: Config;
  readonly machine: Machine;
}

/** The word of a state file, which the shell alone writes. */
export const byHook: EventSource = { kind: "hook" };

/** What a start record says, and a shell that the command line describes. */
export interface StartFields {
  readonly startedAt: Instant;
  readonly pid: string;
  readonly shell: string;
  readonly cwd: string;
  readonly component: string;
}

/** A start as its state file tells it, and the look at the process that is its shell; null where there is none to look at. */
export interface FileStart {
  readonly parsed: ParsedStart;
  readonly process: ProcessIdentity;
  readonly stat: ProcessStat | null;
  readonly bootClock: BootClock | null;
}

/** @throws SessionBuddyError `invalid` when what the file says breaks a rule of the contract */
export function startOfFile(file: StateFile, { config, machine }: Recorder): FileStart {
  const field = (name: string) => file.start?.fields.get(name) ?? "";
  const pid = field("pid") || String(file.process?.pid ?? "");
  const fields: StartFields = {
    startedAt: startInstantOf(file),
    pid,
    shell: field("shell"),
    cwd: field("cwd"),
    // What a shell says is a fact even where its environment is wrong about a name.
    component: componentNameIssue(field("component")) === null ? field("component") : config.settings.component,
  };
  const parsed = parsedStart(file.eventId, fields, placeOf(file, machine), metadataOf(field("metadata")), {
    ...(field("version") === "" ? {} : { shell_version: field("version") }),
    ...(/^[1-9]\d{0,6}$/.test(field("ppid")) ? { parent_pid: field("ppid") } : {}),
  });
  const { identity, stat } = lookAtProcess(file, machine);
  return { parsed, process: identity, stat, bootClock: bootClockOf(identity.bootId, field("uptime"), machine) };
}

/** @returns what was seen of a shell's start, with whose its file is where that is not its reader */
export function observationOf({ owner }: StateFile, observed: Observation): Observation {
  return owner === null ? observed : { ...observed, owner: { uid: owner.uid, isVerified: owner.isVerified } };
}

/** The shells of a user's own folder are that user's; in the spool a file is its owner's. */
function placeOf({ owner }: StateFile, { facts }: Machine): Pick<Machine, "facts"> {
  return { facts: owner === null ? facts : { ...facts, username: owner.username, home: owner.home } };
}

/**
 * @returns the process of the shell that wrote a state file, as that shell knew it; what it runs as it is seen, unless it
 *   runs something else by now, because the shell was replaced before anybody came
 */
export function processOfFile(file: StateFile, machine: Machine): ProcessIdentity {
  return lookAtProcess(file, machine).identity;
}

/** @returns the same, and what was seen of the process where it is that one */
function lookAtProcess(file: StateFile, machine: Machine): Pick<FileStart, "stat"> & { identity: ProcessIdentity } {
  const field = (name: string) => file.start?.fields.get(name) ?? "";
  const pid = Number(field("pid")) || (file.process?.pid ?? 0);
  const look = machine.processes.stat(pid);
  const seen = identityByStat(pid, look, machine);
  const identity = {
    ...seen,
    bootId: field("boot") || (file.process?.bootId ?? machine.bootId),
    startTicks: field("ticks") || (file.process?.startTicks ?? (isStillItsOwn(file, machine) ? seen.startTicks : null)),
    ...claimed(field("exe") || null),
  };
  const isItself = identity.bootId === machine.bootId && identity.startTicks === seen.startTicks;
  const stat = isItself && file.owner?.isVerified !== false ? look : null;
  if (file.owner?.isVerified && seen.exeId === null)
    return { identity: { ...identity, comm: nameOfShell(seen, field("shell")) }, stat };
  const said = claimed(field("exe") || field("shell") || null);
  if (stat === null || seen.exeId === null || machine.processes.compareProgram(said, seen) === "replaced")
    return { identity, stat };
  return { identity: { ...identity, executable: seen.executable, exeId: seen.exeId, comm: seen.comm }, stat };
}

/**
 * The file that another user's process runs may not be looked at; its name may. What replaced the shell before anybody came
 * mostly has another one.
 */
function nameOfShell({ comm }: ProcessIdentity, shell: string): string | null {
  return comm !== null && shell !== "" && (comm.startsWith(shell) || shell.startsWith(comm)) ? comm : null;
}

/** What the shell says of its program is its word alone: it is kept as such where nothing of it was seen running. */
function claimed(executable: string | null): Program {
  return { executable, exeId: null, comm: null };
}

/** Without proc(5) a shell cannot say when its process started. Within seconds of its word, nobody else has its pid. */
function isStillItsOwn(file: StateFile, { processes }: Machine): boolean {
  return !processes.hasProc && Math.abs(Date.now() - file.createdMs) < pidIsKeptMs;
}

/** When the shell of a state file started: by its own clock, else by the file's. */
export function startInstantOf(file: StateFile): Instant {
  return instantFromSeconds(file.start?.fields.get("time") ?? "") ?? instantFromMs(file.createdMs);
}

/** The end that a shell told itself, by its own clocks. */
export function endOfRecord(file: StateFile, record: StateRecord, machine: Machine): ToldEnd {
  const field = (name: string) => record.fields.get(name) ?? "";
  const code = field("code");
  const at = instantFromSeconds(field("time")) ?? instantFromMs(file.changedMs);
  const bootId = file.start?.fields.get("boot") || (file.process?.bootId ?? null);
  return {
    content: endContent(at, {
      exitCode: /^\d{1,3}$/.test(code) && Number(code) <= largestExitCode ? Number(code) : null,
      reason: field("reason") || null,
      signal: field("signal") || null,
    }),
    observed: observation(byHook, null, bootClockOf(bootId, field("uptime"), machine)),
  };
}

/** @param timestamp - when the shell ended */
export function endContent(timestamp: Instant, end: ShellEnd): EndContent {
  return { timestamp, reason: end.reason, exitCode: end.exitCode, signal: end.signal ?? null, metadata: null };
}

/**
 * A start of a shell of this machine, within the machine's own limits.
 *
 * @throws SessionBuddyError `invalid` with the contract's sentence
 */
export function parsedStart(
  eventId: string,
  fields: StartFields,
  { facts }: Pick<Machine, "facts">,
  metadata: unknown,
  environmentExtra: Readonly<Record<string, string>> = {},
): ParsedStart {
  const content = checkedStart({
    componentName: fields.component,
    shellType: fields.shell,
    timestamp: fields.startedAt,
    pid: fields.pid,
    username: facts.username,
    home: facts.home,
    hostname: facts.hostname,
    pythonVersion: "",
    platform: facts.platform,
    cwd: fields.cwd,
    environmentExtra,
    metadata,
  });
  return { eventId, content };
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

/** What this machine sees at this moment of what somebody says. */
export function observation(
  source: EventSource,
  process: ProcessIdentity | null,
  bootClock: BootClock | null,
  circumstances: ToldCircumstances | null = null,
): Observation {
  return { recordedAt: instantFromMs(Date.now()), source, caller: null, process, bootClock, circumstances };
}
