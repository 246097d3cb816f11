/** Owns what may be asked over the wire: unknown arguments become a query, or every rule they break. Pure core. */

import { sessionStates } from "../tracker/fold.ts";
import type { Instant } from "../tracker/instant.ts";
import { hostTextRules, maxComponentNameLength, maxHostname, maxSessionId, maxTty } from "../tracker/limits.ts";
import { type SessionQuery, type StatsKey, statsKeys } from "../tracker/store.ts";
import { type TimelineKey, timelineKeys } from "../tracker/timeline.ts";
import { Fields } from "./fields.ts";

export const largestLimit = 200;
const defaultLimit = 50;

/** Longer than any cursor that is ever given out. */
const maxCursor = 1_000;

/** A search that keeps every rule. */
export interface ParsedSearch {
  readonly query: SessionQuery;
  /** 1 to {@link largestLimit}. */
  readonly limit: number;
  /** As it was sent; null for the first page. */
  readonly cursor: string | null;
}

/** A question for counts that keeps every rule. */
export interface ParsedStats {
  readonly by: StatsKey;
  readonly query: SessionQuery;
  /** At most this many keys; 1 to {@link largestLimit}. */
  readonly limit: number;
}

/** A question for a timeline that keeps every rule. */
export interface ParsedTimeline {
  readonly by: TimelineKey;
  readonly query: SessionQuery;
  /** At most this many lines; 1 to {@link largestLimit}. */
  readonly limit: number;
}

type Filter = keyof typeof filters;

/** A null filter restricts nothing, as one that is left out. The sentences never repeat what was sent. */
const filters = {
  states: (fields: Fields) => ({ states: fields.choices("states", sessionStates) }),
  username: (fields: Fields) => ({ username: fields.text("username", hostTextRules.maxUsername) }),
  hostname: (fields: Fields) => ({ hostname: fields.text("hostname", maxHostname) }),
  component_name: (fields: Fields) => ({ componentName: fields.text("component_name", maxComponentNameLength) }),
  login_user: (fields: Fields) => ({ loginUser: fields.text("login_user", hostTextRules.maxUsername) }),
  tty: (fields: Fields) => ({ tty: fields.text("tty", maxTty) }),
  cwd: (fields: Fields) => ({ cwd: fields.text("cwd", hostTextRules.maxCwd, absolutePathIssue) }),
  open_since: (fields: Fields) => ({ openSince: instant(fields, "open_since") }),
  open_until: (fields: Fields) => ({ openUntil: instant(fields, "open_until") }),
  started_since: (fields: Fields) => ({ startedSince: instant(fields, "started_since") }),
} as const satisfies Readonly<Record<string, (fields: Fields) => SessionQuery>>;

const allFilters = Object.keys(filters) as Filter[];
const placeFilters: readonly Filter[] = ["username", "hostname", "component_name", "login_user", "tty", "cwd"];

/**
 * Reads the arguments of `list_active_sessions`.
 *
 * @throws SessionBuddyError `invalid` with the sentence of every broken rule; so do the other functions of this file
 */
export function parseActiveSearch(input: unknown): ParsedSearch {
  const { query, ...page } = parsedSearch(input, placeFilters);
  return { ...page, query: { ...query, states: ["active"] } };
}

/** Reads the arguments of `search_sessions`. */
export function parseSearch(input: unknown): ParsedSearch {
  return parsedSearch(input, allFilters);
}

/** Reads the arguments of `session_stats`. */
export function parseStats(input: unknown): ParsedStats {
  const fields = new Fields(input);
  const by = fields.choice("by", statsKeys) ?? "state";
  const query = readFilters(fields, allFilters);
  const limit = readLimit(fields);
  finish(fields, ["by", ...allFilters, "limit"]);
  return { by, query, limit };
}

/** Reads the arguments of `session_timeline`. */
export function parseTimeline(input: unknown): ParsedTimeline {
  const fields = new Fields(input);
  const by = fields.isGiven("by") ? (fields.choice("by", timelineKeys) ?? "session") : "session";
  const query = readFilters(fields, allFilters);
  const limit = readLimit(fields);
  finish(fields, ["by", ...allFilters, "limit"]);
  return { by, query, limit };
}

/** Reads the arguments of `get_session` and `explain_session`. @returns the session id */
export function parseSessionId(input: unknown): string {
  const fields = new Fields(input);
  const sessionId = fields.text("session_id", maxSessionId);
  finish(fields, ["session_id"]);
  return sessionId;
}

function parsedSearch(input: unknown, names: readonly Filter[]): ParsedSearch {
  const fields = new Fields(input);
  const query = readFilters(fields, names);
  const limit = readLimit(fields);
  const cursor = fields.isGiven("cursor") ? fields.text("cursor", maxCursor) : null;
  finish(fields, [...names, "limit", "cursor"]);
  return { query, limit, cursor };
}

function readFilters(fields: Fields, names: readonly Filter[]): SessionQuery {
  const given = names.filter((name) => fields.isGiven(name));
  return Object.assign({}, ...given.map((name) => filters[name](fields)));
}

function readLimit(fields: Fields): number {
  return fields.isGiven("limit") ? fields.integer("limit", 1, largestLimit) : defaultLimit;
}

function instant(fields: Fields, name: string): Instant {
  return fields.timestamp(name, () => timestampIssue(name));
}

function timestampIssue(name: string): string {
  return `${name}: Input should be a timestamp (expected format: 2026-02-06T12:34:56.789Z)`;
}

function absolutePathIssue(path: string): string | null {
  return path.startsWith("/") ? null : "cwd: Input should be an absolute path";
}

function finish(fields: Fields, known: readonly string[]): void {
  fields.refuseOthers(new Set([...known, "token"]));
  fields.throwIssues();
}
