/**
 * Owns the contract's sentences: unknown arguments become event content, or every rule they break. Pure core.
 *
 * Longer than 250 lines because it is the contract's two tables in one piece, rule by rule.
 */
import { canonicalJson, type JsonObject } from "./canonical.ts";
import { SessionBuddyError } from "./errors.ts";
import type { EndContent, StartContent } from "./event.ts";
import { type Instant, parseTimestamp } from "./instant.ts";

/** The rules for text that names places on a machine; lengths in Unicode code points. */
export interface TextRules {
  readonly maxUsername: number;
  readonly maxHome: number;
  readonly maxCwd: number;
  readonly trims: boolean;
}

/** What the wire contract allows (section 1). */
export const wireTextRules: TextRules = { maxUsername: 100, maxHome: 500, maxCwd: 500, trims: true };

/**
 * What a shell of this machine may have: its directory is a fact, however long (`PATH_MAX` is 4096 bytes) and with
 * whatever spaces at its ends.
 */
export const hostTextRules: TextRules = { maxUsername: 4096, maxHome: 4096, maxCwd: 4096, trims: false };

export const maxMetadataBytes = 16_384;
export const maxComponentNameLength = 100;
export const maxPid = 4_194_304;

const maxShellType = 100;
const maxHostname = 255;
const maxEnvironmentText = 255;
const maxSessionId = 255;
const componentNamePattern = /^[a-zA-Z0-9_-]+$/;
const uuidV4Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const integerPattern = /^[+-]?\d+$/;
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

/** A start that keeps every rule. */
export interface ParsedStart {
  /** UUID version 4 in lower case. */
  readonly eventId: string;
  readonly content: StartContent;
}

/** An end that keeps every rule. */
export interface ParsedEnd {
  readonly sessionId: string;
  readonly content: EndContent;
}

/**
 * Reads the arguments of `track_session_start` (contract section 1).
 *
 * @param rules - limits of the text fields; the wire's by default
 * @throws SessionBuddyError `invalid` with the sentence of every broken rule, in the order of the contract's table
 */
export function parseStart(input: unknown, rules: TextRules = wireTextRules): ParsedStart {
  const fields = new Fields(input);
  fields.constant("event_version", "1.0", (v) => `Unsupported event version: ${v} (expected '1.0')`);
  const eventId = fields.uuid("event_id").toLowerCase();
  fields.eventType("session_start", "SessionStartEvent");
  const componentName = fields.componentName("component_name");
  const shellType = fields.text("shell_type", maxShellType);
  const timestamp = fields.timestamp("timestamp");
  const pid = fields.pid("pid");
  const user = fields.object("user");
  const username = trimmed(user.text("username", rules.maxUsername), rules);
  const home = trimmed(user.text("home", rules.maxHome), rules);
  const hostname = fields.text("hostname", maxHostname);
  const environment = fields.object("environment");
  const pythonVersion = environment.text("python_version", maxEnvironmentText);
  const platform = environment.text("platform", maxEnvironmentText);
  const cwd = trimmed(environment.text("cwd", rules.maxCwd), rules);
  const environmentExtra = environment.otherTexts(["python_version", "platform", "cwd"]);
  const metadata = fields.metadata();
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
  const timestamp = fields.timestamp("timestamp");
  fields.eventType("session_end", "SessionEndEvent");
  const metadata = fields.metadata();
  fields.refuseOthers(endArguments);
  fields.throwIssues();
  return { sessionId, content: { timestamp, ...understoodMetadata(metadata), metadata } };
}

/** What `metadata` of an end says in words the record understands; anything of another type stays metadata alone. */
export function understoodMetadata(metadata: JsonObject | null): Pick<EndContent, "reason" | "exitCode" | "signal"> {
  const reason = metadata?.exit_reason;
  const exitCode = metadata?.exit_code;
  const signal = metadata?.signal;
  return {
    reason: isText(reason) ? reason : null,
    exitCode: typeof exitCode === "number" && Number.isSafeInteger(exitCode) ? exitCode : null,
    signal: isText(signal) ? signal : null,
  };
}

/** Reads named fields of one object and collects the sentence of every rule that is broken. */
class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #prefix: string;
  readonly #issues: string[];

  constructor(input: unknown, prefix = "", issues: string[] = []) {
    this.#prefix = prefix;
    this.#issues = issues;
    if (!isObject(input)) {
      if (prefix === "") issues.push("arguments: Input should be a valid object");
      this.#values = new Map();
      return;
    }
    this.#values = new Map(Object.entries(input));
  }

  throwIssues(): void {
    if (this.#issues.length > 0) throw new SessionBuddyError("invalid", this.#issues.join("; "));
  }

  text(name: string, maxLength: number): string {
    const value = this.#required(name);
    if (value === undefined) return "";
    if (!isText(value)) return this.#fail(name, "Input should be a valid string");
    if (isLongerThan(value, maxLength)) return this.#fail(name, `String should have at most ${maxLength} characters`);
    return value;
  }

  constant(name: string, expected: string, sentence: (value: string) => string): void {
    const value = this.#required(name);
    if (value === undefined || value === expected) return;
    if (typeof value === "string") this.#issues.push(sentence(value));
    else this.#fail(name, "Input should be a valid string");
  }

  eventType(expected: string, event: string): void {
    if (!this.#values.has("event_type")) return;
    this.constant("event_type", expected, (v) => `Invalid event_type for ${event}: ${v}`);
  }

  uuid(name: string): string {
    return this.#matching(name, (v) => (uuidV4Pattern.test(v) ? null : `Invalid UUID v4 format: ${v}`));
  }

  componentName(name: string): string {
    const before = this.#issues.length;
    const value = this.text(name, maxComponentNameLength);
    if (!this.#values.has(name) || this.#issues.length > before) return "";
    const issue = componentNameIssue(value);
    if (issue !== null) this.#issues.push(issue);
    return value;
  }

  timestamp(name: string): Instant {
    return this.#matching(name, timestampIssue, (v) => parseTimestamp(v) ?? "") as Instant;
  }

  pid(name: string): number {
    const value = this.#required(name);
    if (value === undefined) return 0;
    const number = typeof value === "string" && integerPattern.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !(Number.isInteger(number) || isHugeInteger(value, number))) {
      this.#fail(name, "Input should be a valid integer");
      return 0;
    }
    if (number < 1) this.#fail(name, "Input should be greater than or equal to 1");
    if (number > maxPid) this.#fail(name, `Input should be less than or equal to ${maxPid}`);
    return number;
  }

  object(name: string): Fields {
    const value = this.#required(name);
    if (value !== undefined && isObject(value)) return new Fields(value, `${name}.`, this.#issues);
    if (value !== undefined) this.#fail(name, "Input should be a valid object");
    // Its fields are not reported one by one when the object itself is missing.
    return new Fields({}, `${name}.`, []);
  }

  metadata(): JsonObject | null {
    const value = this.#values.get("metadata");
    if (value === undefined || value === null) return null;
    if (!isObject(value)) {
      this.#fail("metadata", "Input should be a valid object");
      return null;
    }
    const issue = metadataIssue(value as JsonObject);
    if (issue !== null) this.#fail("metadata", issue);
    return value as JsonObject;
  }

  otherTexts(known: readonly string[]): { readonly [key: string]: string } {
    const others: [string, string][] = [];
    for (const [name, value] of this.#values) {
      if (!known.includes(name) && typeof value === "string") others.push([name, value]);
    }
    return Object.fromEntries(others);
  }

  refuseOthers(known: ReadonlySet<string>): void {
    for (const name of this.#values.keys()) {
      if (!known.has(name)) this.#fail(name, "Unexpected argument");
    }
  }

  #required(name: string): unknown {
    if (!this.#values.has(name)) {
      this.#fail(name, "Field required");
      return undefined;
    }
    return this.#values.get(name);
  }

  #matching(name: string, issueOf: (value: string) => string | null, convert = (value: string) => value): string {
    const value = this.#required(name);
    if (value === undefined) return "";
    if (typeof value !== "string") return this.#fail(name, "Input should be a valid string");
    const issue = issueOf(value);
    if (issue === null) return convert(value);
    this.#issues.push(issue);
    return "";
  }

  #fail(name: string, sentence: string): "" {
    this.#issues.push(`${this.#prefix}${name}: ${sentence}`);
    return "";
  }
}

/** @returns the contract's sentence when `name` is no component name, null when it is one. */
export function componentNameIssue(name: string): string | null {
  if (isLongerThan(name, maxComponentNameLength)) {
    return `component_name: String should have at most ${maxComponentNameLength} characters`;
  }
  if (componentNamePattern.test(name)) return null;
  return `Invalid component_name '${name}': must match pattern ^[a-zA-Z0-9_-]+$`;
}

function timestampIssue(text: string): string | null {
  if (!text.includes("T")) return `Invalid ISO 8601 timestamp: ${text} (missing time component, ${timestampExample})`;
  return parseTimestamp(text) === null ? `Invalid ISO 8601 timestamp: ${text} (${timestampExample})` : null;
}

function metadataIssue(metadata: JsonObject): string | null {
  try {
    const text = canonicalJson(metadata);
    if (utf8Length(text) <= maxMetadataBytes) return null;
    return `Object should have at most ${maxMetadataBytes} bytes when serialised`;
  } catch (error) {
    if (error instanceof TypeError) return "Numbers should be finite";
    throw error;
  }
}

function trimmed(text: string, rules: TextRules): string {
  return rules.trims ? text.trim() : text;
}

/** A lone surrogate is no Unicode text: it could not be stored as it was sent. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A decimal string of hundreds of digits is an integer out of range, not a malformed one. */
function isHugeInteger(value: unknown, number: number): boolean {
  return typeof value === "string" && !Number.isNaN(number);
}

/** Counts code points, and only when the count of UTF-16 units leaves the question open. */
function isLongerThan(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return false;
  if (text.length > maxLength * 2) return true;
  return [...text].length > maxLength;
}

/** Length in bytes of well-formed or escaped text as UTF-8; the core has no Buffer. */
function utf8Length(text: string): number {
  if (text.length > maxMetadataBytes) return text.length;
  return new TextEncoder().encode(text).length;
}
