/** Owns the part of the store's port that knows who may send sessions of other hosts: invitations, hosts, their keys. Its laws are in `test/contract/store/host-laws.ts`. */
import type { Instant } from "./instant.ts";

/** Lets one host in, once. */
export interface Invite {
  readonly id: string;
  /** The hash of its secret, which nobody keeps. */
  readonly secretHash: string;
  /** What the host is called from then on. */
  readonly name: string;
  /** The one user whose sessions are taken; null for everybody's. */
  readonly username: string | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly wrongSecrets: number;
  /** The key that came with it; null while nobody has used it. */
  readonly usedBy: string | null;
}

/**
 * - `next`: told by the key in use, and takes its place when it is first used
 * - `retired`: was replaced; nobody may use it again
 */
export type HostKeyState = "current" | "next" | "retired";

export interface EnrolledKey {
  /** The thumbprint of the public part (RFC 7638). */
  readonly kid: string;
  /** The public part of an Ed25519 key, in base64url. */
  readonly x: string;
  readonly state: HostKeyState;
  readonly addedAt: Instant;
}

/** One record of another machine, that is known by its key. */
export interface EnrolledHost {
  /** The thumbprint of its first key: its name for good. */
  readonly originId: string;
  /** From its invitation. Several may have the same: each user of a machine has a record. */
  readonly name: string;
  /** As {@link Invite.username}. */
  readonly username: string | null;
  /** What it called itself when it was enrolled. */
  readonly hostname: string;
  readonly inviteId: string;
  readonly enrolledAt: Instant;
  /** Null while it may send. */
  readonly revokedAt: Instant | null;
  /** In the order in which they came; of those that are not retired there are two at most. */
  readonly keys: readonly EnrolledKey[];
}

/** Reads and writes that become durable together or not at all. */
export interface HostsTransaction {
  invite(id: string): Promise<Invite | null>;
  /** Writes over what was there. */
  putInvite(invite: Invite): Promise<void>;
  host(originId: string): Promise<EnrolledHost | null>;
  /** The host that has, or had, this key. */
  hostOfKey(kid: string): Promise<EnrolledHost | null>;
  /** Writes over what was there. Throws where one of its keys is another host's. */
  putHost(host: EnrolledHost): Promise<void>;
}

export interface Hosts {
  /**
   * Runs `work` alone, as {@link EventLog.transact} does; where the store is away for a moment, once more, so that it must
   * change nothing outside of the transaction.
   */
  changeHosts<T>(work: (transaction: HostsTransaction) => Promise<T>): Promise<T>;
  hostOfKey: HostsTransaction["hostOfKey"];
  /** Every host that was ever enrolled, by name and then by origin. */
  enrolledHosts(): Promise<readonly EnrolledHost[]>;
  /** Invitations, the newest first. */
  invites(): Promise<readonly Invite[]>;
}
