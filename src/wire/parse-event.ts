/** Owns the contract's sentences: unknown arguments become event content, or every rule they break. Pure core. */
import type { JsonObject } from "../tracker/canonical.ts";
import type { EndContent, ParsedEnd, ParsedStart } from "../tracker/event.ts";
import {
  componentNameIssue,
  isText,
  largestExitCode,
  maxComponentNameLength,
  maxEnvironmentText,
  maxHostname,
  maxPid,
  maxSessionId,
  maxShellType,
  type TextRules,
  wireTextRules,
} from "../tracker/limits.ts";
import { metadataIssue } from "../tracker/start-rules.ts";
import { Fields } from "./fields.ts";

const uuidV4Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const timestampExample = "expected format: 2026-02-06T12:34:56.789Z";

const startArguments = new Set([
  "event_version",
  "event_id",
  "event_type",
  "component_name",
  "shell_type",
  "timestamp",
  "pid",
  "user",
  "hostname",
  "environment",
  "metadata",
  "token",
]);
const endArguments = new Set(["session_id", "timestamp", "event_type", "metadata", "token"]);

/**
 * Reads the arguments of `track_session_start` (contract section 1).
 *
 * @param rules - limits of the text fields; the wire's by default
 * @throws SessionBuddyError `invalid` with the sentence of every broken rule, in the order of the contract's table
 */
export function parseStart(input: unknown, rules: TextRules = wireTextRules): ParsedStart {
  const fields = new Fields(input);
  fields.constant("event_version", "1.0", (v) => `Unsupported event version: ${v} (expected '1.0')`);
  const eventId = fields.matching("event_id", uuidIssue).toLowerCase();
  readEventType(fields, "session_start", "SessionStartEvent");
  const componentName = fields.text("component_name", maxComponentNameLength, componentNameIssue);
  const shellType = fields.text("shell_type", maxShellType);
  const timestamp = fields.timestamp("timestamp", timestampIssue);
  const pid = fields.integer("pid", 1, maxPid);
  const user = fields.object("user");
  const username = trimmed(user.text("username", rules.maxUsername), rules);
  const home = trimmed(user.text("home", rules.maxHome), rules);
  const hostname = fields.text("hostname", maxHostname);
  const environment = fields.object("environment");
  const pythonVersion = environment.text("python_version", maxEnvironmentText);
  const platform = environment.text("platform", maxEnvironmentText);
  const cwd = trimmed(environment.text("cwd", rules.maxCwd), rules);
  const environmentExtra = environment.otherTexts(["python_version", "platform", "cwd"]);
  const metadata = readMetadata(fields);
  fields.refuseOthers(startArguments);
  fields.throwIssues();
  return {
    eventId,
    content: {
      componentName,
      shellType,
      timestamp,
      pid,
      username,
      home,
      hostname,
      pythonVersion,
      platform,
      cwd,
      environmentExtra,
      metadata,
    },
  };
}

/**
 * Reads the arguments of `track_session_end` (contract section 2).
 *
 * @throws SessionBuddyError `invalid` with the sentence of every broken rule, in the order of the contract's table
 */
export function parseEnd(input: unknown): ParsedEnd {
  const fields = new Fields(input);
  const sessionId = fields.text("session_id", maxSessionId);
  const timestamp = fields.timestamp("timestamp", timestampIssue);
  readEventType(fields, "session_end", "SessionEndEvent");
  const metadata = readMetadata(fields);
  fields.refuseOthers(endArguments);
  fields.throwIssues();
  return { sessionId, content: { timestamp, ...understoodMetadata(metadata), metadata } };
}

/** What `metadata` of an end says in words the record understands; anything of another type stays metadata alone. */
function understoodMetadata(metadata: JsonObject | null): Pick<EndContent, "reason" | "exitCode" | "signal"> {
  const reason = metadata?.exit_reason;
  const exitCode = metadata?.exit_code;
  const signal = metadata?.signal;
  return {
    reason: isText(reason) ? reason : null,
    exitCode: isExitCode(exitCode) ? exitCode : null,
    signal: isText(signal) ? signal : null,
  };
}

function isExitCode(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= largestExitCode;
}

function readEventType(fields: Fields, expected: string, event: string): void {
  if (!fields.has("event_type")) return;
  fields.constant("event_type", expected, (v) => `Invalid event_type for ${event}: ${v}`);
}

function readMetadata(fields: Fields): JsonObject | null {
  return fields.optionalObject("metadata", metadataIssue) as JsonObject | null;
}

function uuidIssue(text: string): string | null {
  return uuidV4Pattern.test(text) ? null : `Invalid UUID v4 format: ${text}`;
}

function timestampIssue(text: string): string {
  const missing = text.includes("T") ? "" : "missing time component, ";
  return `Invalid ISO 8601 timestamp: ${text} (${missing}${timestampExample})`;
}

function trimmed(text: string, rules: TextRules): string {
  return rules.trims ? text.trim() : text;
}
