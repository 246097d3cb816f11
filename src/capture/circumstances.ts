/** Owns the circumstances of a shell of this machine: what the kernel says of its process, what its environment claims. */
import type { Config } from "../config/config.ts";
import { userNameOf } from "../host/account-files.ts";
import { lookAround, parseId, ttyName } from "../host/circumstances.ts";
import type { Machine } from "../host/machine.ts";
import { lineage, type ProcessStat } from "../host/processes.ts";
import { type Circumstances, type ToldCircumstances, toldBy } from "../tracker/circumstances.ts";
import type { ProcessIdentity } from "../tracker/event.ts";
import { limitedText } from "../tracker/limits.ts";
import type { SessionIndex } from "../tracker/store.ts";
import type { StateFile } from "./state-file.ts";

/** What a shell says of its surroundings, by the keys of a state file; each may be empty or missing. */
export interface ClaimFields {
  /** Field 7 of `/proc/PID/stat`, in decimal digits. */
  readonly tty?: string;
  /** The contents of `/proc/PID/loginuid` and `/proc/PID/sessionid`. */
  readonly login_uid?: string;
  readonly audit_session?: string;
  readonly via?: string;
  readonly multiplexer?: string;
  readonly terminal_program?: string;
  readonly remote?: string;
}

const claimKeys = [
  "tty",
  "login_uid",
  "audit_session",
  "via",
  "multiplexer",
  "terminal_program",
  "remote",
] as const satisfies (keyof ClaimFields)[];

/** What finding out needs of the program. */
export interface SurroundingsApp {
  readonly config: { readonly settings: Pick<Config["settings"], "remote"> };
  readonly machine: Machine;
  readonly store: Pick<SessionIndex, "activeOfPids" | "remoteOfLogin">;
  /** Knows the users that this machine's own file does not have, where somebody can wait for them. */
  readonly spool?: { readonly nameOf: (uid: number) => Promise<string | null> } | null;
}

/** Where shells that are not on record yet have left their state files. */
export interface LeftFiles {
  /**
   * @param name - as files are named after a process: `BOOT.PID.TICKS`
   * @returns the paths of the files of that process
   */
  readonly filesOf: (name: string, pid: number) => readonly string[];
  /** Brings one file on record; never throws. */
  readonly record: (path: string) => Promise<void>;
}

/** A shell whose surroundings are asked for. */
export interface Surrounded {
  readonly process: ProcessIdentity;
  /** The look at the process by which it is known to be that one; null where it is gone or cannot be seen. */
  readonly stat: ProcessStat | null;
  readonly claims: ClaimFields;
  /** Whose file it left in the machine's spool, as the file system has it; none elsewhere. */
  readonly ownerUid?: number | null;
  /** Whose word the claims are. */
  readonly claimedBy: "hook" | "command";
}

/** @returns what is known; null for nothing */
export async function findCircumstances(
  { process, stat, claims, ownerUid, claimedBy }: Surrounded,
  app: SurroundingsApp,
  left: LeftFiles,
): Promise<ToldCircumstances | null> {
  const { config, machine, store } = app;
  const seen = stat === null || !machine.processes.hasProc ? {} : lookAround(process.pid, stat);
  const claimed = claimsOf(claims);
  const { remote = null, loginUid = null, ...others } = claimed;
  // The name of one login is no name of another.
  const login = { ...others, loginUid: seen.loginUid == null ? loginUid : null };
  const named = async <T extends { readonly loginUid?: number | null }>(told: T) => ({
    ...told,
    loginUser: told.loginUid == null ? null : await nameOf(told.loginUid, app),
  });
  const auditSession = seen.auditSession ?? claimed.auditSession ?? null;
  const uid = seen.uid ?? ownerUid ?? null;
  return toldBy({
    kernel: { ...(await named(seen)), uid, parentSession: stat === null ? null : await parentOf(stat, app, left) },
    [claimedBy]: {
      ...(await named(login)),
      remote: config.settings.remote ? (remote ?? (await remoteOfLogin(process, auditSession, store))) : null,
    },
  });
}

/** The name of this program's own user is known already. */
function nameOf(uid: number, { machine, spool }: SurroundingsApp): Promise<string | null> | string | null {
  if (uid === globalThis.process.geteuid?.()) return machine.facts.username;
  return spool == null ? userNameOf(uid) : spool.nameOf(uid);
}

/** A login that knows where it came from tells it for those who lost it on the way, as in a pane or behind sudo. */
function remoteOfLogin(
  { hostId, bootId }: ProcessIdentity,
  auditSession: number | null,
  store: SurroundingsApp["store"],
): Promise<string | null> | null {
  return hostId === null || bootId === null || auditSession === null
    ? null
    : store.remoteOfLogin(hostId, bootId, auditSession);
}

/** Another shell's surroundings are not ours. */
export function ownClaims(
  { pid, claims = {} }: { readonly pid: number; readonly claims?: ClaimFields },
  { processes }: Pick<Machine, "processes">,
): ClaimFields {
  return pid === process.ppid || lineage(process.ppid, processes).includes(pid) ? claims : {};
}

/** What a state file says of its surroundings, else what was told beside it. */
export function claimsIn({ start }: Pick<StateFile, "start">, others: ClaimFields): ClaimFields {
  const said = claimKeys.flatMap((key) => {
    const value = start?.fields.get(key);
    return value === undefined ? [] : [[key, value]];
  });
  return { ...others, ...Object.fromEntries(said) };
}

/** Where addresses are not recorded, none is written down. */
export function keptClaims(
  { remote, ...others }: ClaimFields,
  { settings }: SurroundingsApp["config"],
): Readonly<Record<string, string>> {
  return remote !== undefined && settings.remote ? { ...others, remote } : others;
}

/** Reads what a shell says; what has not the form of what it should be is left out, and what is too long is cut. */
export function claimsOf(fields: ClaimFields): Partial<Circumstances> {
  const { tty = "", login_uid = "", audit_session = "", via = "", remote = "" } = fields;
  const multiplexer = beginningWith(multiplexers, fields.multiplexer ?? "");
  return {
    tty: ttyNamed(tty),
    loginUid: parseId(login_uid),
    auditSession: parseId(audit_session),
    via: beginningWith(becomers, via),
    multiplexer,
    terminalProgram: fields.terminal_program ? limitedText(fields.terminal_program) : null,
    // A pane keeps the environment of whoever opened it, or of whoever came before.
    remote: multiplexer === null && remote !== "" && remotePattern.test(remote) ? remote : null,
  };
}

const becomers = ["sudo:", "doas:"];
const multiplexers = ["tmux:", "screen:"];
/** An address of IPv4 or IPv6, the latter with its interface, and a port. */
const remotePattern = /^[0-9A-Fa-f:.]{2,45}(?:%[\w.-]{1,16})? \d{1,5}$/;

function beginningWith(marks: readonly string[], text: string): string | null {
  const isKnown = marks.some((mark) => text.startsWith(mark) && text.length > mark.length);
  return isKnown ? limitedText(text) : null;
}

function ttyNamed(digits: string): string | null {
  const number = Number(digits);
  return String(number) === digits && Number.isInteger(number) && Math.abs(number) < 2 ** 32 ? ttyName(number) : null;
}

/** No line of ancestors between a shell and its parent is longer. */
const mostAncestors = 100;

/**
 * The nearest process above the shell that has an open session. One whose state file is there and not on record yet is
 * recorded first: shells come on record in any order.
 */
async function parentOf(
  { parent }: ProcessStat,
  { machine, store }: SurroundingsApp,
  left: LeftFiles,
): Promise<string | null> {
  const { hostId, bootId, processes } = machine;
  if (hostId === null || bootId === null || !processes.hasProc) return null;
  const ancestors: (readonly [pid: number, startTicks: string])[] = [];
  for (let at = parent; at !== null && at > 0 && ancestors.length < mostAncestors; ) {
    const stat = processes.stat(at);
    if (stat === null) break;
    ancestors.push([at, stat.startTicks]);
    at = stat.parent;
  }
  for (const [pid, startTicks] of ancestors) {
    // After an `exec`, a process has several.
    for (const path of left.filesOf(`${bootId}.${pid}.${startTicks}`, pid)) await left.record(path);
  }
  const namespace = processes.pidNamespace();
  const open = await store.activeOfPids(
    hostId,
    ancestors.map(([pid]) => pid),
  );
  for (const [pid, startTicks] of ancestors) {
    const found = open.find(
      ({ process }) =>
        process?.pid === pid &&
        process.startTicks === startTicks &&
        process.bootId === bootId &&
        process.pidNamespace === namespace,
    );
    if (found !== undefined) return found.sessionId;
  }
  return null;
}
