/** Owns the rows of the hosts that may send, in every store. */
import type { EnrolledHost, EnrolledKey, HostKeyState, Invite } from "../tracker/hosts.ts";
import type { Instant } from "../tracker/instant.ts";

/** Columns by name. */
type Row = Readonly<Record<string, unknown>>;

export const inviteColumns = [
  "id",
  "secret_hash",
  "name",
  "username",
  "created_at",
  "expires_at",
  "wrong_secrets",
  "used_by",
] as const;

export const hostColumns = [
  "origin_id",
  "name",
  "username",
  "hostname",
  "invite_id",
  "enrolled_at",
  "revoked_at",
] as const;

export const keyColumns = ["kid", "origin_id", "x", "state", "added_at", "place"] as const;

export type HostValue = string | number | null;

export function inviteValues(invite: Invite): HostValue[] {
  const { id, secretHash, name, username, createdAt, expiresAt, wrongSecrets, usedBy } = invite;
  return [id, secretHash, name, username, createdAt, expiresAt, wrongSecrets, usedBy];
}

export function hostValues(host: EnrolledHost): HostValue[] {
  const { originId, name, username, hostname, inviteId, enrolledAt, revokedAt } = host;
  return [originId, name, username, hostname, inviteId, enrolledAt, revokedAt];
}

/** @returns the values of each key, in their order */
export function keyValues({ originId, keys }: EnrolledHost): HostValue[][] {
  return keys.map(({ kid, x, state, addedAt }, place) => [kid, originId, x, state, addedAt, place]);
}

export function rowToInvite(row: Row): Invite {
  return {
    id: String(row.id),
    secretHash: String(row.secret_hash),
    name: String(row.name),
    username: textOrNull(row.username),
    createdAt: String(row.created_at) as Instant,
    expiresAt: String(row.expires_at) as Instant,
    wrongSecrets: Number(row.wrong_secrets),
    usedBy: textOrNull(row.used_by),
  };
}

/** @param keys - rows of keys, of this host or of others, each host's in their order */
export function rowToHost(row: Row, keys: readonly Row[]): EnrolledHost {
  return {
    originId: String(row.origin_id),
    name: String(row.name),
    username: textOrNull(row.username),
    hostname: String(row.hostname),
    inviteId: String(row.invite_id),
    enrolledAt: String(row.enrolled_at) as Instant,
    revokedAt: textOrNull(row.revoked_at) as Instant | null,
    keys: keys.filter(({ origin_id: id }) => id === row.origin_id).map(rowToKey),
  };
}

/** @returns each host with its keys; looking for them among all keys anew for each would take the square of it */
export function rowsToHosts(hosts: readonly Row[], keys: readonly Row[]): EnrolledHost[] {
  const ofHost = Map.groupBy(keys, ({ origin_id: id }) => id);
  return hosts.map((row) => rowToHost(row, ofHost.get(row.origin_id) ?? []));
}

function rowToKey(row: Row): EnrolledKey {
  return {
    kid: String(row.kid),
    x: String(row.x),
    state: row.state as HostKeyState,
    addedAt: String(row.added_at) as Instant,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
