/** Owns how the options of a question become a query of sessions. */
import { resolve } from "node:path";
import { workingDirectory } from "../../config/environment.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { SessionQuery } from "../../tracker/store.ts";
import type { FilterOptions } from "../syntax/ask.ts";
import { parseMoment } from "./moment.ts";

/** @returns whether sessions that ended are asked for: by their state, or because the question is about the past */
export function asksBeyondNow({ state, since, until, at, startedSince }: FilterOptions): boolean {
  return [state, since, until, at, startedSince].some((value) => value !== undefined);
}

/** @throws SessionBuddyError `usage` when a moment cannot be read, or the window ends before it begins */
export function toQuery(options: FilterOptions, nowMs: number): SessionQuery {
  const moment = (text: string | undefined) => (text === undefined ? undefined : parseMoment(text, nowMs));
  const openSince = moment(options.at ?? options.since);
  const openUntil = moment(options.at ?? options.until);
  if (openSince !== undefined && openUntil !== undefined && openUntil < openSince) {
    throw new SessionBuddyError("usage", `the window ends (${options.until}) before it begins (${options.since})`);
  }
  return known({
    states: options.state,
    username: options.user,
    hostname: options.host,
    componentName: options.component,
    loginUser: options.loginUser,
    tty: options.tty?.replace(/^\/dev\//, ""),
    cwd: options.cwd === undefined ? undefined : resolve(workingDirectory(process.env), options.cwd),
    openSince,
    openUntil,
    startedSince: moment(options.startedSince),
  });
}

/** @returns the same without the fields that are undefined; a query's missing field restricts nothing */
function known(fields: { readonly [K in keyof SessionQuery]: SessionQuery[K] | undefined }): SessionQuery {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as SessionQuery;
}
