/** `session-buddy token`: tokens for clients, and good secrets. */
import { createAccessToken, createNewSecret } from "../app.ts";
import { resolveConfig } from "../config.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { printLine } from "./print.ts";

export interface TokenOptions {
  readonly userId: string;
  readonly ttl: string;
  readonly issuer?: string;
}

const secondsPerUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
/** One hundred years; beyond it a lifetime is a typing error. */
const longestSeconds = 100 * 365 * 86_400;

export async function runCreate(options: TokenOptions): Promise<void> {
  const config = await resolveConfig(process.env);
  if (options.userId === "") throw new SessionBuddyError("usage", "--user-id must not be empty");
  const ttlSeconds = parseTtl(options.ttl);
  printLine(await createAccessToken(config, { userId: options.userId, issuer: options.issuer, ttlSeconds }));
}

export async function runSecret(): Promise<void> {
  printLine(await createNewSecret());
}

/** @returns seconds; reads `90s`, `15m`, `24h`, `7d`, `2w`. */
function parseTtl(text: string): number {
  const match = /^(\d{1,10})([smhdw])$/.exec(text);
  const seconds = match === null ? 0 : Number(match[1]) * (secondsPerUnit[match[2] ?? ""] ?? 0);
  if (seconds < 1 || seconds > longestSeconds) {
    throw new SessionBuddyError(
      "usage",
      `--ttl '${text}' is no lifetime; write a number and a unit, such as 15m, 24h or 7d`,
    );
  }
  return seconds;
}
