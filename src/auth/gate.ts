/** Owns the decision whether a token lets a call through (contract section 5). For `app.ts` alone. */
import { createSecretKey } from "node:crypto";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { type ErrorCode, SessionBuddyError } from "../tracker/errors.ts";

export interface GateOptions {
  /** The shared secret, 32 bytes or more. */
  readonly secret: string;
  readonly issuers: readonly string[];
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Lets a caller through or not.
 *
 * @param token - the `token` argument as it was sent
 * @returns the token's `user_id`
 * @throws SessionBuddyError `auth.missing`, `auth.expired` or `auth.invalid`; the reason is in its detail
 */
export type Gate = (token: unknown) => Promise<string>;

const clockToleranceSeconds = 5;
const audience = "session-buddy";
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

export function createGate(options: GateOptions): Gate {
  const key = createSecretKey(Buffer.from(options.secret));
  return async (token) => {
    if (token === undefined || token === null || token === "") {
      throw refusal("auth.missing", "no token was sent");
    }
    if (typeof token !== "string" || !compactForm.test(token)) throw refusal("auth.invalid", "not a compact token");
    const nowMs = options.now();
    const claims = await verified(token, key, options.issuers, nowMs);
    return requireClaims(claims, nowMs);
  };
}

async function verified(
  token: string,
  key: ReturnType<typeof createSecretKey>,
  issuers: readonly string[],
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      issuer: [...issuers],
      requiredClaims: ["exp", "iat"],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refusal("auth.expired", error.message);
    if (error instanceof errors.JOSEError) throw refusal("auth.invalid", `${error.code}: ${error.message}`);
    throw refusal("auth.invalid", "the token cannot be read");
  }
}

/** The claims that jose has no rule for. */
function requireClaims(claims: JWTPayload, nowMs: number): string {
  const { iat, aud, type, user_id: userId } = claims;
  if (iat === undefined || iat > nowMs / 1000 + clockToleranceSeconds)
    throw refusal("auth.invalid", "iat is in the future");
  if (type !== "access") throw refusal("auth.invalid", "type is not access");
  if (aud !== undefined && aud !== audience && !(Array.isArray(aud) && aud.includes(audience))) {
    throw refusal("auth.invalid", `aud does not name ${audience}`);
  }
  if (typeof userId !== "string" || userId === "") throw refusal("auth.invalid", "user_id is missing");
  return userId;
}

const sentences = {
  "auth.missing": "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)",
  "auth.expired": "❌ Authentication failed: Token has expired",
  "auth.invalid": "❌ Authentication failed: Invalid token",
} as const satisfies Partial<Record<ErrorCode, string>>;

function refusal(code: keyof typeof sentences, detail: string): SessionBuddyError {
  return new SessionBuddyError(code, sentences[code], { detail });
}
