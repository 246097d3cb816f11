/** Owns the form of an event's parts in JSON, wherever another record sends one: contents, process, clock, circumstances. Pure core. */
import type { JsonObject } from "../tracker/canonical.ts";
import { type Circumstances, noCircumstances } from "../tracker/circumstances.ts";
import type { BootClock, DeathContent, EndContent, ProcessIdentity, StartContent } from "../tracker/event.ts";
import { hostTextRules, largestExitCode, maxClaim, maxMetadataBytes, maxPid } from "../tracker/limits.ts";
import { metadataIssue } from "../tracker/start-rules.ts";
import { Fields } from "./fields.ts";
import { parseStart } from "./parse-event.ts";
import { keysOfCircumstances } from "./view.ts";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @returns what says what is wrong with the id of a field */
export function uuidIssue(name: string): (text: string) => string | null {
  return (text) => (uuidPattern.test(text) ? null : `${name}: it is not a UUID`);
}

/** @throws SessionBuddyError `invalid` */
export function startContent(details: object, eventId: string): StartContent {
  return parseStart({ ...details, event_version: "1.0", event_id: eventId }, hostTextRules).content;
}

/** @throws SessionBuddyError `invalid` */
export function endContent(details: object): EndContent {
  const fields = new Fields(details);
  const content = {
    timestamp: fields.timestamp("timestamp", notATime),
    reason: textOrNull(fields, "reason", maxMetadataBytes),
    exitCode: fields.isGiven("exit_code") ? fields.integer("exit_code", 0, largestExitCode) : null,
    signal: textOrNull(fields, "signal", maxMetadataBytes),
    metadata: fields.optionalObject("metadata", metadataIssue) as JsonObject | null,
  };
  fields.refuseOthers(new Set(["timestamp", "reason", "exit_code", "signal", "metadata"]));
  fields.throwIssues();
  return content;
}

/** @throws SessionBuddyError `invalid` */
export function deathContent(details: object): DeathContent {
  const fields = new Fields(details);
  const proof = fields.choice("proof", ["pid_gone", "pid_reused", "executable_replaced", "rebooted"]);
  const lastAliveAt = fields.timestamp("last_alive_at", notATime);
  const detectedAt = fields.timestamp("detected_at", notATime);
  fields.refuseOthers(new Set(["proof", "last_alive_at", "detected_at"]));
  fields.throwIssues();
  return { lastAliveAt, detectedAt, proof: proof as DeathContent["proof"] };
}

export function readProcess(event: Fields): ProcessIdentity | null {
  if (!event.isGiven("process")) return null;
  const fields = event.object("process");
  const names = ["host_id", "boot_id", "pid_namespace", "start_ticks", "exe_id", "comm"] as const;
  const [hostId, bootId, pidNamespace, startTicks, exeId, comm] = names.map((name) =>
    textOrNull(fields, name, maxClaim),
  ) as (string | null)[] & { length: 6 };
  const pid = fields.integer("pid", 0, maxPid);
  const executable = textOrNull(fields, "executable", hostTextRules.maxCwd);
  fields.refuseOthers(new Set([...names, "pid", "executable"]));
  return {
    hostId: hostId ?? null,
    bootId: bootId ?? null,
    pidNamespace: pidNamespace ?? null,
    pid,
    startTicks: startTicks ?? null,
    executable,
    exeId: exeId ?? null,
    comm: comm ?? null,
  };
}

export function readBootClock(event: Fields): BootClock | null {
  if (!event.isGiven("boot_clock")) return null;
  const fields = event.object("boot_clock");
  const clock = { bootId: fields.text("boot_id", maxClaim), ms: fields.integer("ms", 0, Number.MAX_SAFE_INTEGER) };
  fields.refuseOthers(new Set(["boot_id", "ms"]));
  return clock;
}

const numbers: readonly (keyof Circumstances)[] = ["uid", "loginUid", "auditSession"];

/** The names of all circumstances. */
export const circumstanceKeys: ReadonlySet<string> = new Set(Object.values(keysOfCircumstances));

/** @returns the circumstances that an object has by their names */
export function readKnown(fields: Fields): Partial<Circumstances> {
  const names = Object.keys(noCircumstances) as (keyof Circumstances)[];
  const known = names.map((name) => {
    const key = keysOfCircumstances[name];
    return [name, numbers.includes(name) ? numberOrNull(fields, key) : textOrNull(fields, key, maxClaim)];
  });
  return Object.fromEntries(known);
}

export function textOrNull(fields: Fields, name: string, maxLength: number): string | null {
  return fields.isGiven(name) ? fields.text(name, maxLength) : null;
}

export function numberOrNull(fields: Fields, name: string): number | null {
  return fields.isGiven(name) ? fields.integer(name, 0, 4_294_967_295) : null;
}

export function notATime(text: string): string {
  return `Invalid ISO 8601 timestamp: ${text.slice(0, maxClaim)}`;
}
