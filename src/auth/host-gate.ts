/** Owns the decision which host a request comes from: by its token alone, never by what the request says. */
import type { CryptoKey } from "jose";
import type { EnrolledHost, EnrolledKey, Hosts } from "../tracker/hosts.ts";
import type { HostCaller, HostRefusal, HostRequest } from "./host-caller.ts";
import { checkHostToken, importHostKey, keyNamedIn } from "./host-proofs.ts";

/** With the key that signed. */
export interface KeyedHost extends HostCaller {
  readonly kid: string;
}

/** @throws HostRefused; SessionBuddyError `storage.*` */
export type KeyedHostGate = (token: unknown, request: HostRequest) => Promise<KeyedHost>;

const sentences: Readonly<Record<HostRefusal, string>> = {
  unknown_host: "No host is enrolled here with this key",
  clock: "The token is of another time; set the clock of the host",
  revoked: "This host was revoked",
};

/** A host is not let in: with the sentence that it is told, and the reason in full for the log. */
export class HostRefused extends Error {
  override readonly name = "HostRefused";
  readonly code: HostRefusal;
  readonly detail: string;

  constructor(code: HostRefusal, detail: string) {
    super(sentences[code]);
    this.code = code;
    this.detail = detail;
  }
}

export interface HostGateOptions {
  readonly hosts: Pick<Hosts, "hostOfKey" | "changeHosts">;
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when a key is used that was replaced: whoever does it has a copy. */
  readonly onRetiredKey?: (host: EnrolledHost, kid: string) => void;
  /** How long what was read of a host is good for, in milliseconds; 5000 by default. */
  readonly cacheMs?: number;
}

interface Known {
  readonly host: EnrolledHost;
  readonly entry: EnrolledKey;
  readonly key: CryptoKey;
  readonly readAtMs: number;
}

const usualCacheMs = 5_000;
const mostKnown = 10_000;

/** A host that was revoked is refused at the latest when what was read of it is no longer good. */
export function createHostGate({ hosts, now, onRetiredKey, cacheMs = usualCacheMs }: HostGateOptions): KeyedHostGate {
  const known = new Map<string, Known>();
  const lookUp = async (kid: string): Promise<Known> => {
    const kept = known.get(kid);
    // A clock that was set back must not keep it for longer.
    if (kept !== undefined && Math.abs(now() - kept.readAtMs) <= cacheMs) return kept;
    known.delete(kid);
    const found = await read(hosts, kid, now());
    if (known.size >= mostKnown) known.clear();
    // What nobody is enrolled with is asked anew each time: anybody could fill the memory with it.
    known.set(kid, found);
    return found;
  };
  return async (token, { body, audience }) => {
    const kid = keyNamedIn(token);
    if (kid === null) throw new HostRefused("unknown_host", "it is no token of a host");
    const { host, entry, key } = await lookUp(kid);
    const disbelief = await checkHostToken(String(token), { kid, key }, { body, audience, nowMs: now() });
    if (disbelief?.reason === "invalid") throw new HostRefused("unknown_host", disbelief.words);
    if (entry.state === "retired") {
      onRetiredKey?.(host, kid);
      throw new HostRefused("unknown_host", "its key was replaced");
    }
    if (host.revokedAt !== null) throw new HostRefused("revoked", `it was revoked at ${host.revokedAt}`);
    if (disbelief !== null) throw new HostRefused("clock", disbelief.words);
    if (entry.state === "next") {
      await takeIntoUse(hosts, host.originId, kid);
      known.clear();
    }
    const { originId, name, username } = host;
    return { originId, name, username, kid };
  };
}

async function read(hosts: HostGateOptions["hosts"], kid: string, readAtMs: number): Promise<Known> {
  const host = await hosts.hostOfKey(kid);
  const entry = host?.keys.find((one) => one.kid === kid);
  if (host === null || entry === undefined) throw new HostRefused("unknown_host", "nobody is enrolled with its key");
  const key = await importHostKey({ kty: "OKP", crv: "Ed25519", x: entry.x });
  if (key === null) throw new HostRefused("unknown_host", "its key on record cannot be used");
  return { host, entry, key, readAtMs };
}

/** From here on the old key is refused: whoever has the new one has shown it. */
async function takeIntoUse(hosts: HostGateOptions["hosts"], originId: string, kid: string): Promise<void> {
  await hosts.changeHosts(async (tx) => {
    const host = await tx.host(originId);
    if (host?.keys.find((one) => one.kid === kid)?.state !== "next") return;
    const keys = host.keys.map((key): EnrolledKey => ({ ...key, state: key.kid === kid ? "current" : "retired" }));
    await tx.putHost({ ...host, keys });
  });
}
