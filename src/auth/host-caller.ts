/** Owns what is known of an enrolled host that sends what it has recorded, and how it is let in. */

/** An enrolled record of another machine, as the centre knows it by its key: nothing of it comes from a body. */
export interface HostCaller {
  /** The thumbprint of the first key that it was enrolled with. */
  readonly originId: string;
  /** The name that it was invited by. */
  readonly name: string;
  /** The one user whose sessions it may send; null for those of every user. */
  readonly username: string | null;
}

/** Why a host is not let in; it stands as `code` in the answer and in the error that a gate throws. */
export const hostRefusals = ["unknown_host", "clock", "revoked"] as const;

export type HostRefusal = (typeof hostRefusals)[number];

/** What a token is held against: the body as it was sent, and where it was sent to. */
export interface HostRequest {
  readonly body: Uint8Array;
  /** The centre's own address: scheme, host and port. */
  readonly audience: string;
}

/**
 * Lets hosts in.
 *
 * @param token - as the header has it, of whatever type
 * @throws what has a {@link HostRefusal} as its `code`; SessionBuddyError `storage.*`
 */
export type HostGate = (token: unknown, request: HostRequest) => Promise<HostCaller>;
