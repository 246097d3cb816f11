/** Owns what the keeper of a record does with the hosts that send to it: inviting, listing, revoking. */
import { randomBytes } from "node:crypto";
import { hashOfSecret } from "../auth/host-secrets.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { EnrolledHost, HostsTransaction, Invite } from "../tracker/hosts.ts";
import { instantFromMs } from "../tracker/instant.ts";
import { maxHostname, textIssue, wireTextRules } from "../tracker/limits.ts";
import { type HostRow, toHostRow } from "../wire/host-view.ts";
import type { App } from "./app.ts";

export interface InviteOptions {
  /** What the host is called from then on. */
  readonly name: string;
  /** The one user whose sessions are taken; null for everybody's. */
  readonly username: string | null;
  /** How long it may be used, in milliseconds. */
  readonly ttlMs: number;
}

/** An invitation as it is handed over, once. */
export interface MadeInvite {
  readonly invite: Invite;
  /** Its id and its secret, with a point between them. */
  readonly ticket: string;
}

const idBytes = 8;
const secretBytes = 32;
const longestTtlMs = 30 * 86_400_000;

/** @throws SessionBuddyError `usage` for a name or a time that cannot be */
export async function inviteHost(
  { store }: Pick<App, "store">,
  options: InviteOptions,
  nowMs = Date.now(),
): Promise<MadeInvite> {
  const { name, username, ttlMs } = options;
  requireName(name, "name of a host", maxHostname);
  if (username !== null) requireName(username, "name of a user", wireTextRules.maxUsername);
  if (ttlMs < 1 || ttlMs > longestTtlMs) {
    throw new SessionBuddyError("usage", "an invitation lasts between a second and 30 days");
  }
  const [id, secret] = [randomBytes(idBytes).toString("hex"), randomBytes(secretBytes).toString("base64url")];
  const invite: Invite = {
    id,
    secretHash: hashOfSecret(id, secret),
    name,
    username,
    createdAt: instantFromMs(nowMs),
    expiresAt: instantFromMs(nowMs + ttlMs),
    wrongSecrets: 0,
    usedBy: null,
  };
  await store.changeHosts((tx) => tx.putInvite(invite));
  return { invite, ticket: `${id}.${secret}` };
}

function requireName(name: string, what: string, longest: number): void {
  const issue = textIssue(name, longest);
  if (issue === null && name.trim() === name && name !== "" && !/^-|\p{Cc}/u.test(name)) return;
  throw new SessionBuddyError("usage", `'${name}' is no ${what}`);
}

/** What {@link revokeHost} did. */
export interface Revoked {
  readonly hosts: readonly EnrolledHost[];
  /** Of the same name, which nobody can use any more. */
  readonly invites: readonly Invite[];
}

/**
 * What a host has sent stays; nothing more is taken from it.
 *
 * @param which - its name, or its origin
 * @param isEvery - whether every host of the name is meant
 * @throws SessionBuddyError `not_found`, `usage` where several have the name
 */
export async function revokeHost(
  { store }: Pick<App, "store">,
  which: string,
  isEvery: boolean,
  nowMs = Date.now(),
): Promise<Revoked> {
  const now = instantFromMs(nowMs);
  const known = await store.enrolledHosts();
  const meant = known.filter(({ originId, name }) => originId === which || name === which);
  const open = meant.filter(({ revokedAt }) => revokedAt === null);
  const invites = (await store.invites()).filter(
    ({ name, usedBy, expiresAt }) => name === which && usedBy === null && expiresAt > now,
  );
  if (meant.length === 0 && invites.length === 0) {
    throw new SessionBuddyError("not_found", `no host '${which}' is enrolled; 'session-buddy host list' shows them`);
  }
  if (open.length > 1 && !isEvery) {
    const origins = open.map(({ originId }) => originId).join(", ");
    throw new SessionBuddyError(
      "usage",
      `${open.length} hosts are called '${which}': ${origins}; name one, or add --all`,
    );
  }
  await store.changeHosts(async (tx) => {
    for (const { originId } of open) await changeHost(tx, originId, (host) => ({ ...host, revokedAt: now }));
    for (const { id } of invites) {
      const invite = await tx.invite(id);
      if (invite !== null) await tx.putInvite({ ...invite, expiresAt: now });
    }
  });
  return { hosts: open.map((host) => ({ ...host, revokedAt: now })), invites };
}

async function changeHost(
  tx: HostsTransaction,
  originId: string,
  change: (host: EnrolledHost) => EnrolledHost,
): Promise<void> {
  const host = await tx.host(originId);
  if (host !== null) await tx.putHost(change(host));
}

/** @returns every host that was ever enrolled, by name, with what is known of what it delivered */
export async function listHosts({ store }: Pick<App, "store">): Promise<readonly HostRow[]> {
  const states = new Map((await store.origins()).map((state) => [state.originId, state]));
  return (await store.enrolledHosts()).map((host) => toHostRow(host, states.get(host.originId) ?? null));
}
