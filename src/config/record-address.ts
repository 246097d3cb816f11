/** Owns which record elsewhere is asked, and what goes with its address: whom to believe that it is that one, and a token. */
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Config } from "./config.ts";
import { type Environment, tokenForRecord } from "./environment.ts";
import { parseSetting } from "./settings.ts";

/** Where a record elsewhere is asked. */
export interface RecordAddress {
  readonly url: string;
  /** Null where none was given. */
  readonly token: RecordToken | null;
  readonly pin: string | null;
  readonly caFile: string | null;
}

/** A token, or the private file that holds it; `name` is the setting or variable that has it. */
export type RecordToken =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly file: string };

/**
 * What stands beside the setting `from` is for that address alone: another one that is typed gets no token of it.
 *
 * @param typed - the address of the command line, which wins; undefined for none
 * @returns null where no record elsewhere is asked
 * @throws SessionBuddyError `usage` for what is no address
 */
export function recordAddress(
  { settings }: Pick<Config, "settings">,
  env: Environment,
  typed: string | undefined,
): RecordAddress | null {
  const url = typed === undefined ? settings.from : parseSetting("from", typed, "--from");
  if (url === null) return null;
  if (settings.from !== null && !isSame(url, settings.from)) return { url, token: null, pin: null, caFile: null };
  const { from_token_file: file, from_pin: pin, from_ca_file: caFile } = settings;
  return { url, token: tokenOf(env, file), pin, caFile };
}

function tokenOf(env: Environment, file: string | null): RecordToken | null {
  const text = tokenForRecord(env);
  if (text !== null) return { name: "SESSION_BUDDY_FROM_TOKEN", text };
  return file === null ? null : { name: "from_token_file", file };
}

function isSame(one: string, other: string): boolean {
  return normal(one) === normal(other);
}

function normal(address: string): string {
  const { origin, pathname } = new URL(address);
  return origin + pathname.replace(/\/+$/, "");
}

/** @throws SessionBuddyError `usage` where a record elsewhere and this user's own one are asked at once */
export function requireOneRecord(isPersonal: boolean | undefined, typed: string | undefined): void {
  if (isPersonal && typed !== undefined) {
    throw new SessionBuddyError("usage", "use either --personal or --from, not both");
  }
}
