/** Owns the JSON in which a host that delivers is answered. Part of the pure core. */
import type { EnrolledHost } from "../tracker/hosts.ts";
import { formatInstant } from "../tracker/instant.ts";
import { backlogOf, type OriginState } from "../tracker/origins.ts";

export type HostRow = ReturnType<typeof toHostRow>;

/** How a host was let in. */
export function toEnrolledRow({ originId, name, username, hostname, enrolledAt, revokedAt, keys }: EnrolledHost) {
  return {
    origin: originId,
    name,
    username,
    hostname,
    enrolled_at: formatInstant(enrolledAt),
    revoked_at: revokedAt === null ? null : formatInstant(revokedAt),
    keys: keys.map(({ kid, state, addedAt }) => ({ kid, state, added_at: formatInstant(addedAt) })),
  };
}

/** @param state - what is known of what it delivered; null where it has not delivered yet */
export function toHostRow(host: EnrolledHost, state: OriginState | null) {
  return {
    ...toEnrolledRow(host),
    heard_at: state === null ? null : formatInstant(state.heardAt),
    program: state?.program ?? null,
    skew_ms: state?.skewMs ?? null,
    backlog: state === null ? null : backlogOf(state),
    parked: state?.parked ?? 0,
    losses: state?.losses ?? 0,
    clone: state?.clone == null ? null : { sign: state.clone.sign, at: formatInstant(state.clone.at) },
  };
}
