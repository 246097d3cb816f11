/**
 * Owns the tokens that a service makes for users of its own machine, and the gate that takes them beside others. Their key
 * is made when the service starts and is never written down: whoever has one logs in again after a restart, and a token
 * of one service is good for no other, whatever secrets they share.
 */
import { SessionBuddyError } from "../tracker/errors.ts";
import { decodeToken } from "./decode.ts";
import { createGate, type Gate } from "./gate.ts";
import { generateKey, importPrivate, importPublic } from "./key-set.ts";
import { scopeWords } from "./scope.ts";
import { createToken } from "./sign.ts";

/** Apart from the issuers of a configuration, so that no other key makes such a token. */
const issuer = "session-buddy-login";
/** Who asks logs in anew for each command; a stream ends with its token and is taken up again. */
export const tokenLifetimeSeconds = 300;

export interface LoginToken {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly scope: string;
}

export interface ServiceTokens {
  /** @param readsAll - whether everybody's sessions may be read, not this user's alone */
  make(
    user: { readonly uid: number; readonly username: string },
    readsAll: boolean,
    nowMs: number,
  ): Promise<LoginToken>;
  /** Takes tokens made here, and those that the other gate takes, if there is one. */
  gate(other: Gate | null): Gate;
}

export async function createServiceTokens(now: () => number = Date.now): Promise<ServiceTokens> {
  const stored = await generateKey("EdDSA");
  const signing = await importPrivate(stored);
  if (signing === null) throw new Error("a new key has both parts");
  const own = createGate({ keys: [await importPublic(stored)], issuers: [issuer], now });
  return {
    async make({ uid, username }, readsAll, nowMs) {
      const scope = readsAll ? scopeWords.all : scopeWords.own;
      const claims = { userId: username, issuer, ttlSeconds: tokenLifetimeSeconds, others: { scope, uid } };
      const token = await createToken(signing, claims, nowMs);
      return { token, expiresAtMs: (Math.floor(nowMs / 1000) + tokenLifetimeSeconds) * 1000, scope };
    },
    gate: (other) => async (token) => {
      try {
        const caller = await own(token);
        // Nobody else has the key: what it says was put there above.
        return { ...caller, localUid: Number(decodeToken(token).claims.uid) };
      } catch (error) {
        if (other !== null && isOfAnother(error)) return other(token);
        throw error;
      }
    },
  };
}

function isOfAnother(error: unknown): boolean {
  return error instanceof SessionBuddyError && error.code === "auth.invalid";
}
