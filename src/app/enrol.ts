/** Owns what a host does to be known to another record: making its key, being let in, changing the key, leaving. */
import { join } from "node:path";
import {
  addDestination,
  changeDestination,
  type Destination,
  type DestinationFile,
  readDestinations,
  removeDestination,
} from "../auth/destinations.ts";
import { createHostKey, type HostKey, signHostProof, signHostToken, thumbprintOf } from "../auth/host-keys.ts";
import { dropPendingKey, keepPendingKey } from "../auth/pending-key.ts";
import type { Config } from "../config/config.ts";
import { createMachine, openProcesses, thisMachineId } from "../host/machine.ts";
import { ensurePrivateFolder } from "../host/private-folder.ts";
import { createSecureClient } from "../host/secure-client.ts";
import { parseTarget } from "../host/secure-target.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { formatInstant, instantFromMs } from "../tracker/instant.ts";
import { enrolFormat } from "../wire/enrolment.ts";
import { clockedBySender, isUnknownHost, post } from "./enrol-request.ts";

/** Where to be enrolled. */
export interface EnrolTarget {
  readonly url: string;
  readonly pin: string | null;
  /** An absolute path. */
  readonly caFile: string | null;
  /** What the destination is called here; the name in the address by default. */
  readonly name: string | undefined;
}

export interface Enrolled {
  /** Of the destination here. */
  readonly destination: string;
  readonly url: string;
  readonly origin: string;
  /** As the host is called there. */
  readonly name: string;
  /** Whose sessions are taken there; null for everybody's. */
  readonly username: string | null;
}

type Place = Pick<Config, "paths">;

/**
 * Looks whether a host could be enrolled, before it is asked for its invitation.
 *
 * @returns the address that it will be enrolled with, and the name of the destination
 * @throws SessionBuddyError `usage` for an address, a pin or a name that cannot be, or that is there already
 */
export function planEnrolment(
  { paths }: Place,
  { url, pin, caFile, name }: EnrolTarget,
): { readonly url: string; readonly name: string } {
  const { origin, hostname, pathname } = parseTarget(url);
  if (pathname !== "/") throw new SessionBuddyError("usage", `the address has a path; leave it out: ${origin}`);
  createSecureClient({ url: origin, pin, caFile }).close();
  const chosen = name ?? hostname.replace(/[^A-Za-z0-9._-]/g, "");
  const known = readDestinations(paths.dataFolder);
  if (known.some((file) => file.name === chosen)) {
    throw new SessionBuddyError(
      "usage",
      `this record is enrolled with '${chosen}' already; 'session-buddy unenroll ${chosen}' ends that, --name gives another name`,
    );
  }
  return { url: origin, name: chosen };
}

/**
 * Makes a key and shows it with an invitation. The key is on the disk before it is shown: where the answer is lost, the same
 * one is shown again.
 *
 * @param ticket - the id and the secret of the invitation, with a point between them
 * @throws SessionBuddyError `usage`, `network`, `auth.invalid` when it is refused
 */
export async function enrolHere({ paths }: Place, target: EnrolTarget, ticket: string): Promise<Enrolled> {
  const { url, name } = planEnrolment({ paths }, target);
  const [, invite, secret] = /^([0-9a-f]{16})\.([\w-]{43})$/.exec(ticket) ?? [];
  if (invite === undefined || secret === undefined) {
    throw new SessionBuddyError(
      "usage",
      "that is no invitation; 'session-buddy host invite' prints one, on the other record",
    );
  }
  ensurePrivateFolder(paths.dataFolder, "data folder");
  const machine = createMachine(paths.hostIdFile, await openProcesses());
  const pendingFile = join(paths.dataFolder, `enrolling-${invite}.json`);
  const key = keepPendingKey(pendingFile);
  const client = createSecureClient({ url, pin: target.pin, caFile: target.caFile });
  try {
    const answer = await clockedBySender((nowMs) => {
      const { d: _, ...jwk } = key.jwk;
      const proof = signHostProof(key, { audience: url, invite, nowMs });
      const hostname = machine.facts.hostname;
      return post(client, "/v1/enroll", { format: enrolFormat, invite, secret, jwk, proof, hostname }, () => null);
    });
    const { origin, username } = answer;
    if (origin !== key.kid)
      throw new SessionBuddyError("network", "the other record names another key; nothing was kept");
    const enrolledAt = formatInstant(instantFromMs(Date.now()));
    const { pin, caFile } = target;
    const machineId = thisMachineId();
    const made = { url, pin, caFile, origin, ...key, nextJwk: null, machineId, enrolledAt, username };
    addDestination(paths.dataFolder, name, made);
    dropPendingKey(pendingFile);
    return { destination: name, url, origin, name: answer.name, username };
  } finally {
    client.close();
  }
}

/**
 * Has the key of a destination replaced. The new one is on the disk before it is shown, and is taken into use over there when
 * it is first used, which it is here.
 *
 * @param name - of the destination; undefined where there is one alone
 * @throws SessionBuddyError `usage`, `network`, `auth.invalid`
 */
export async function rotateHostKey({ paths }: Place, name: string | undefined): Promise<Enrolled> {
  const { name: chosen, destination } = requireDestination(paths.dataFolder, name);
  const { url, pin, caFile, origin } = destination;
  const next = nextKeyOf(destination);
  if (destination.nextJwk === null) {
    changeDestination(paths.dataFolder, chosen, { ...destination, nextJwk: next.jwk });
  }
  const client = createSecureClient({ url, pin, caFile });
  const ask = (signer: HostKey) =>
    clockedBySender((nowMs) => {
      const { d: _, ...jwk } = next.jwk;
      const proof = signHostProof(next, { audience: url, invite: origin, nowMs });
      const tokenFor = (body: string) => signHostToken(signer, { audience: url, body, nowMs });
      return post(client, "/v1/rotate", { format: enrolFormat, jwk, proof }, tokenFor);
    });
  try {
    // Whoever was interrupted behind the first use has the new one alone.
    await ask(destination).catch(async (error) => {
      if (!isUnknownHost(error)) throw error;
      await ask(next);
    });
    const answer = await ask(next);
    changeDestination(paths.dataFolder, chosen, { ...destination, ...next, nextJwk: null });
    return { destination: chosen, url, origin, name: answer.name, username: answer.username };
  } finally {
    client.close();
  }
}

function nextKeyOf({ nextJwk }: Destination): HostKey {
  return nextJwk === null ? createHostKey() : { kid: thumbprintOf(nextJwk), jwk: nextJwk };
}

/** @returns the destinations of this record, each with what is wrong with its file */
export function destinationsOf({ paths }: Place): readonly DestinationFile[] {
  return readDestinations(paths.dataFolder);
}

/**
 * Nothing more is sent there; what was sent stays there.
 *
 * @returns the destination that is gone, and how many are left
 * @throws SessionBuddyError `usage`, `not_found`
 */
export function leave({ paths }: Place, name: string | undefined): { readonly name: string; readonly left: number } {
  const known = readDestinations(paths.dataFolder);
  const chosen = chosenOf(known, name).name;
  removeDestination(paths.dataFolder, chosen);
  return { name: chosen, left: known.length - 1 };
}

function requireDestination(dataFolder: string, name: string | undefined) {
  const { name: chosen, destination, issue } = chosenOf(readDestinations(dataFolder), name);
  if (destination !== null) return { name: chosen, destination };
  throw new SessionBuddyError("auth.secret", `the destination '${chosen}' cannot be used: ${issue}`);
}

function chosenOf(known: readonly DestinationFile[], name: string | undefined): DestinationFile {
  const found = known.filter((file) => name === undefined || file.name === name);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first === undefined) {
    const words =
      name === undefined ? "this record is not enrolled anywhere" : `this record is not enrolled with '${name}'`;
    throw new SessionBuddyError("not_found", `${words}; 'session-buddy enroll' does that`);
  }
  const names = found.map((file) => file.name).join(", ");
  throw new SessionBuddyError("usage", `this record is enrolled with ${names}; name one`);
}
