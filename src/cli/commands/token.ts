/** `session-buddy token create` and `token secret`: tokens for clients, and good secrets. */

import { createAccessToken, createNewSecret } from "../../auth/tokens.ts";
import { resolveConfig } from "../../config/config.ts";
import { credentialSources } from "../../config/environment.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { unitMs } from "../input/moment.ts";
import type { TokenOptions } from "../syntax/token.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";

/** One hundred years; beyond it a lifetime is a typing error. */
const longestSeconds = 100 * 365 * 86_400;
/** Beyond it a token that is lost is a danger for longer than anybody remembers it. */
const usualSeconds = 7 * 86_400;

export async function runCreate(options: TokenOptions): Promise<void> {
  const { settings } = await resolveConfig(process.env);
  const ttlSeconds = parseTtl(options.ttl);
  const made = await createAccessToken(credentialSources(process.env), {
    userId: options.userId,
    issuer: options.issuer ?? settings.issuers[0] ?? "session-buddy",
    audience: options.audience,
    ttlSeconds,
    others: claimsOf(options),
  });
  if (ttlSeconds > usualSeconds) {
    printMessage("warning: the token is valid for more than 7 days; only a new secret or key can revoke it\n");
  }
  if (!options.json) return printLine(made.token);
  const { token, algorithm, kid, expiresAt } = made;
  printJson({ token, user_id: options.userId, algorithm, kid, expires_at: expiresAt });
}

export function runSecret(): void {
  printLine(createNewSecret());
}

/** @returns seconds; reads `90s`, `15m`, `24h`, `7d`, `2w`. */
function parseTtl(text: string): number {
  const match = /^(\d{1,10})([smhdw])$/.exec(text);
  const seconds = match === null ? 0 : (Number(match[1]) * (unitMs.get(match[2] ?? "") ?? 0)) / 1000;
  if (seconds < 1 || seconds > longestSeconds) {
    throw new SessionBuddyError(
      "usage",
      `--ttl '${text}' is not a lifetime; write a number and a unit, such as 15m, 24h or 7d`,
    );
  }
  return seconds;
}

/** The words of a scope have an option, because a mistake in one allows nothing. */
function claimsOf({ claim = {}, scope }: TokenOptions): Record<string, unknown> {
  if (scope === undefined) return parseClaims(claim);
  if (Object.hasOwn(claim, "scope"))
    throw new SessionBuddyError("usage", "use either --scope or --claim scope=…, not both");
  return { ...parseClaims(claim), scope: scope.join(" ") };
}

function parseClaims(pairs: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(pairs).map(([name, text]) => [name, parseValue(text)]));
}

/** A number that JSON would write in another way, such as 007, 1.0 or one of 20 digits, is a text that looks like one. */
function parseValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "number" && String(value) !== text ? text : value;
  } catch {
    return text;
  }
}
