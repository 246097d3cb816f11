/** Owns the decision whether a token lets a call through (contract section 5). For the composition root. */
import { type Check, examineToken, type TokenRules } from "./examine.ts";
import { refusal } from "./refusal.ts";
import { type Caller, scopeOf } from "./scope.ts";

export interface GateOptions extends Omit<TokenRules, "nowMs"> {
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Lets a caller through or not.
 *
 * @param token - the `token` argument as it was sent
 * @throws SessionBuddyError `auth.missing`, `auth.expired` or `auth.invalid`; the reason is in its detail
 */
export type Gate = (token: unknown) => Promise<Caller>;

export function createGate({ keys, issuers, now }: GateOptions): Gate {
  return async (token) => {
    if (token === undefined || token === null || token === "") {
      throw refusal("auth.missing", "no token was sent");
    }
    const { outcome, checks, claims } = await examineToken(token, { keys, issuers, nowMs: now() });
    const userId = claims?.user_id;
    if (outcome === "accepted" && typeof userId === "string") {
      return { userId, scope: scopeOf(claims?.scope, userId), expiresAtMs: Number(claims?.exp) * 1000 };
    }
    if (outcome === "expired") throw refusal("auth.expired", reasonOf(checks));
    throw refusal("auth.invalid", reasonOf(checks));
  };
}

/**
 * Lets a call over the wire through, by the token in its arguments.
 *
 * @param gate - null where no token is needed; then whatever is sent is ignored
 * @param args - the arguments as they were sent
 * @returns null where no token is needed
 * @throws SessionBuddyError `auth.*` when a token is needed and this one is not accepted
 */
export async function callerOf(gate: Gate | null, args: unknown): Promise<Caller | null> {
  if (gate === null) return null;
  return gate(typeof args === "object" && args !== null && "token" in args ? args.token : undefined);
}

function reasonOf(checks: readonly Check[]): string {
  const failed = checks.filter(({ verdict }) => verdict === "failed");
  return failed.map(({ check, words }) => `${check}: ${words}`).join("; ");
}
