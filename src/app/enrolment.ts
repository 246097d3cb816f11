/**
 * Owns letting hosts in: whoever shows the secret of an invitation gets the host's name for its key, once. A host is known
 * by its key from then on, and changes it by the key that it has.
 */
import { createHostGate, type KeyedHostGate } from "../auth/host-gate.ts";
import { type HostJwk, readHostJwk, thumbprintOf } from "../auth/host-keys.ts";
import { checkHostProof } from "../auth/host-proofs.ts";
import { isSecretOf } from "../auth/host-secrets.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { EnrolledHost, EnrolledKey, HostsTransaction, Invite } from "../tracker/hosts.ts";
import { formatInstant, type Instant, instantFromMs } from "../tracker/instant.ts";
import { type EnrolAnswer, type EnrolRequest, parseEnrolRequest, parseRotateRequest } from "../wire/enrolment.ts";
import type { App } from "./app.ts";

/**
 * Why a host is not let in, as it is told.
 *
 * - `invite`: there is no such invitation, its secret is another one, or it was tried too often
 * - `invite_expired`, `invite_used`: told to whoever has its secret
 * - `key_taken`: the key is that of a host already
 * - `proof`: the key was not shown; `clock`: all that is wrong with the proof is its time
 */
export type EnrolRefusalCode =
  | "invite"
  | "invite_expired"
  | "invite_used"
  | "key_taken"
  | "proof"
  | "clock"
  | "revoked";

const sentences: Readonly<Record<EnrolRefusalCode, string>> = {
  invite: "The invitation is not known, or its secret is not the right one; ask for another",
  invite_expired: "The invitation has expired; ask for another",
  invite_used: "The invitation was used with another key; ask who has used it, and for another",
  key_taken: "The key is that of another host; make a new one",
  proof: "The proof that the host has the key does not hold",
  clock: "The proof is of another time; set the clock of the host",
  revoked: "This host was revoked",
};

/** A host is not let in; the reason in full is in the detail. */
export class EnrolRefusal extends SessionBuddyError {
  readonly refusal: EnrolRefusalCode;

  constructor(refusal: EnrolRefusalCode, detail: string) {
    super("auth.invalid", sentences[refusal], { detail });
    this.refusal = refusal;
  }
}

/** Where a request came from, and whom it was meant for. */
export interface EnrolFrom {
  /** Scheme, name and port that it was sent to. */
  readonly audience: string;
  /** For the log. */
  readonly address: string;
}

export interface Enrolment {
  /**
   * @param args - the body as it was read
   * @throws EnrolRefusal; SessionBuddyError `invalid`, `storage.*`
   */
  enrol(args: unknown, from: EnrolFrom): Promise<EnrolAnswer>;
  /**
   * @param body - as it was sent, which the token is for
   * @throws HostRefused for the token; and as {@link Enrolment.enrol}
   */
  rotate(
    args: unknown,
    sent: { readonly token: string; readonly body: Uint8Array },
    from: EnrolFrom,
  ): Promise<EnrolAnswer>;
}

export interface EnrolmentOptions extends Pick<App, "store" | "log"> {
  readonly gate: KeyedHostGate;
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Lets in hosts that were enrolled here, for whatever they send. */
export function openHostGate({ store, log }: Pick<App, "store" | "log">): KeyedHostGate {
  const onRetiredKey = ({ name, originId }: EnrolledHost, kid: string) =>
    log.warning("Replaced key of a host used", { host: name, origin: originId, kid });
  return createHostGate({ hosts: store, now: Date.now, onRetiredKey });
}

/** What a transaction found: a host, or why there is none; what it wrote is kept in both cases. */
type Outcome =
  | { readonly host: EnrolledHost; readonly isNew: boolean }
  | { readonly host: null; readonly refusal: EnrolRefusalCode; readonly detail: string; readonly isAlarm: boolean };

/** After so many nobody can try any more, also with the right one. */
export const mostWrongSecrets = 5;

export function createEnrolment({ store, log, gate, now = Date.now }: EnrolmentOptions): Enrolment {
  const requireProof = async (proof: string, jwk: HostJwk, invite: string, { audience }: EnrolFrom) => {
    const disbelief = await checkHostProof(proof, jwk, { audience, invite, nowMs: now() });
    if (disbelief === null) return;
    throw new EnrolRefusal(disbelief.reason === "clock" ? "clock" : "proof", disbelief.words);
  };
  const answered = (outcome: Outcome, what: string, { address }: EnrolFrom): EnrolAnswer => {
    if (outcome.host === null) {
      const { refusal, detail, isAlarm } = outcome;
      if (isAlarm) log.warning(`${what} refused`, { reason: detail, address });
      throw new EnrolRefusal(refusal, detail);
    }
    const { originId: origin, name, username } = outcome.host;
    if (outcome.isNew) log.info(what, { host: name, origin, address });
    return { status: "ok", error: null, origin, name, username, server_time: formatInstant(instantFromMs(now())) };
  };
  return {
    async enrol(args, from) {
      const request = parseEnrolRequest(args);
      const jwk = readHostJwk(request.jwk, "public");
      await requireProof(request.proof, jwk, request.invite, from);
      const at = instantFromMs(now());
      const outcome = await store.changeHosts((tx) => redeem(tx, request, jwk, at));
      return answered(outcome, "Host enrolled", from);
    },
    async rotate(args, { token, body }, from) {
      const { originId, kid } = await gate(token, { body, audience: from.audience });
      const request = parseRotateRequest(args);
      const jwk = readHostJwk(request.jwk, "public");
      await requireProof(request.proof, jwk, originId, from);
      const at = instantFromMs(now());
      const outcome = await store.changeHosts((tx) => addKey(tx, { originId, kid }, jwk, at));
      return answered(outcome, "Host has a new key", from);
    },
  };
}

async function redeem(tx: HostsTransaction, request: EnrolRequest, jwk: HostJwk, at: Instant): Promise<Outcome> {
  const { invite: id, secret, hostname } = request;
  const invite = await tx.invite(id);
  if (invite === null) return refused("invite", "there is no such invitation");
  const { name, username, wrongSecrets } = invite;
  const alarm = (refusal: EnrolRefusalCode, words: string) =>
    refused(refusal, `${words} (invitation ${id}, ${name})`, true);
  if (wrongSecrets >= mostWrongSecrets) return refused("invite", "it was tried too often");
  if (!isSecretOf(invite.secretHash, id, secret)) {
    await tx.putInvite({ ...invite, wrongSecrets: wrongSecrets + 1 });
    return alarm("invite", `wrong secret ${wrongSecrets + 1} of ${mostWrongSecrets}`);
  }
  const kid = thumbprintOf(jwk);
  const known = await tx.hostOfKey(kid);
  if (known !== null) return again(known, invite, kid, alarm);
  if (invite.usedBy !== null) return alarm("invite_used", `another key for what ${invite.usedBy} has used`);
  if (invite.expiresAt <= at) return refused("invite_expired", `it expired at ${invite.expiresAt}`);
  const key: EnrolledKey = { kid, x: jwk.x, state: "current", addedAt: at };
  const host = { originId: kid, name, username, hostname, inviteId: id, enrolledAt: at, revokedAt: null, keys: [key] };
  await tx.putInvite({ ...invite, usedBy: kid });
  await tx.putHost(host);
  return { host, isNew: true };
}

/** Whoever did not get the answer asks again; a host that came by another invitation has the key already. */
function again(
  host: EnrolledHost,
  invite: Invite,
  kid: string,
  alarm: (refusal: EnrolRefusalCode, words: string) => Outcome,
): Outcome {
  if (invite.usedBy !== kid) return alarm("key_taken", `the key of ${host.name} once more`);
  if (host.revokedAt !== null) return alarm("revoked", `${host.name} was revoked`);
  return { host, isNew: false };
}

/** The new key waits beside the old one until it is used: whoever did not get the answer goes on with the old one. */
async function addKey(
  tx: HostsTransaction,
  { originId, kid: signedBy }: { readonly originId: string; readonly kid: string },
  jwk: HostJwk,
  at: Instant,
): Promise<Outcome> {
  const kid = thumbprintOf(jwk);
  const [host, owner] = [await tx.host(originId), await tx.hostOfKey(kid)];
  if (host === null || host.revokedAt !== null) return refused("revoked", "it was revoked meanwhile");
  if (owner !== null) {
    const isWaiting =
      owner.originId === originId && owner.keys.some((key) => key.kid === kid && key.state !== "retired");
    return isWaiting
      ? { host, isNew: false }
      : refused("key_taken", `the key of ${owner.name} for ${host.name} (${originId})`, true);
  }
  const keys = host.keys.map((key): EnrolledKey => (key.kid === signedBy ? key : { ...key, state: "retired" }));
  const changed = { ...host, keys: [...keys, { kid, x: jwk.x, state: "next", addedAt: at } as const] };
  await tx.putHost(changed);
  return { host: changed, isNew: true };
}

function refused(refusal: EnrolRefusalCode, detail: string, isAlarm = false): Outcome {
  return { host: null, refusal, detail, isAlarm };
}
