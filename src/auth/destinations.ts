/** Owns the files of the records that this one is delivered to: one private file each, with the key that signs for it. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createPrivateFile, readPrivateFile, replacePrivateFile } from "../host/private-file.ts";
import { ensurePrivateFolder, isPrivateFolder } from "../host/private-folder.ts";
import { parseTarget, requirePin } from "../host/secure-target.ts";
import { isObject, parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type PrivateHostJwk, readHostJwk, thumbprintOf } from "./host-keys.ts";

/** Another record, and as whom this one is known to it. */
export interface Destination {
  /** Scheme, name and port: what tokens are made for. */
  readonly url: string;
  readonly pin: string | null;
  /** An absolute path; null where none was named. */
  readonly caFile: string | null;
  /** The thumbprint of the first key: the name of this record over there, for good. */
  readonly origin: string;
  /** That of the key in use. */
  readonly kid: string;
  readonly jwk: PrivateHostJwk;
  /** The key that is to take its place, sent or about to be sent; null for none. */
  readonly nextJwk: PrivateHostJwk | null;
  /** The machine that the key was made on; null where it has no id. */
  readonly machineId: string | null;
  /** RFC 3339. */
  readonly enrolledAt: string;
  /** Whose sessions are taken over there; null for everybody's. */
  readonly username: string | null;
}

/** A file that was read, or why it cannot be used; one that is broken must not stop the others. */
export type DestinationFile =
  | { readonly name: string; readonly destination: Destination; readonly issue: null }
  | { readonly name: string; readonly destination: null; readonly issue: string };

const folderName = "destinations";
const ending = ".json";
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const format = 1;
const purpose = "folder of destinations";
const kind = { kind: "destination", name: "the destination", isSecret: () => true };

/**
 * Reads the destinations of a record, by name. Where there are none this is one look.
 *
 * @param dataFolder - of the record
 * @throws SessionBuddyError `storage.unavailable` when others could have put files there
 */
export function readDestinations(dataFolder: string): readonly DestinationFile[] {
  const folder = join(dataFolder, folderName);
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  if (!isPrivateFolder(folder, purpose)) return [];
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .filter((name) => namePattern.test(name))
    .sort();
  return names.map((name) => readOne(folder, name));
}

function readOne(folder: string, name: string): DestinationFile {
  try {
    return { name, destination: parsed(readPrivateFile(join(folder, name + ending), kind).text), issue: null };
  } catch (error) {
    return { name, destination: null, issue: (error as Error).message };
  }
}

/**
 * Keeps a new destination; it is on the disk when this returns.
 *
 * @throws SessionBuddyError `usage` when there is one of this name, or it can be no name; `storage.unavailable`
 */
export function addDestination(dataFolder: string, name: string, destination: Destination): void {
  const path = pathOf(dataFolder, name);
  ensurePrivateFolder(join(dataFolder, folderName), purpose);
  createPrivateFile(path, formatted(destination));
}

/** @throws SessionBuddyError `auth.secret` when there is none that can be read, `storage.unavailable` */
export function changeDestination(dataFolder: string, name: string, destination: Destination): void {
  replacePrivateFile(readPrivateFile(pathOf(dataFolder, name), kind), formatted(destination));
}

/** @returns whether there was one */
export function removeDestination(dataFolder: string, name: string): boolean {
  const path = pathOf(dataFolder, name);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  rmSync(path);
  return true;
}

/** @throws SessionBuddyError `usage` */
function pathOf(dataFolder: string, name: string): string {
  if (namePattern.test(name)) return join(dataFolder, folderName, name + ending);
  throw new SessionBuddyError(
    "usage",
    "the name of a destination has letters, digits, points, dashes and underscores, 64 at most, a letter or digit first",
  );
}

function formatted({ url, pin, caFile, origin, kid, jwk, nextJwk, machineId, enrolledAt, username }: Destination) {
  const file = {
    format,
    url,
    pin,
    ca_file: caFile,
    origin,
    kid,
    jwk,
    next_jwk: nextJwk,
    machine_id: machineId,
    enrolled_at: enrolledAt,
    username,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function parsed(text: string): Destination {
  const file = objectIn(text);
  if (file.format !== format) throw new Error(`its format is not ${format}; it may be of a newer session-buddy`);
  const jwk = readHostJwk(file.jwk, "private");
  const kid = stringOf(file, "kid");
  if (kid !== thumbprintOf(jwk)) throw new Error("kid is not that of its key");
  const pin = nullable(file, "pin");
  requirePin(pin);
  return {
    url: parseTarget(stringOf(file, "url")).origin,
    pin,
    caFile: nullable(file, "ca_file"),
    origin: stringOf(file, "origin"),
    kid,
    jwk,
    nextJwk: (file.next_jwk ?? null) === null ? null : readHostJwk(file.next_jwk, "private"),
    machineId: nullable(file, "machine_id"),
    enrolledAt: stringOf(file, "enrolled_at"),
    username: nullable(file, "username"),
  };
}

/** What the parser says of a wrong text repeats it. */
function objectIn(text: string): Readonly<Record<string, unknown>> {
  let value: unknown = null;
  try {
    value = parseJson(text);
  } catch {
    // Said below.
  }
  if (!isObject(value)) throw new Error("it is not a JSON object");
  return value;
}

function stringOf(file: Readonly<Record<string, unknown>>, name: string): string {
  const value = file[name];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${name} is not a text`);
}

function nullable(file: Readonly<Record<string, unknown>>, name: string): string | null {
  return (file[name] ?? null) === null ? null : stringOf(file, name);
}
