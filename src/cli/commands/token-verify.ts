/** `session-buddy token verify`: whether a server would accept a token, check by check. */

import { type Verified, verifyToken } from "../../auth/tokens.ts";
import { resolveConfig } from "../../config/config.ts";
import { credentialSources } from "../../config/environment.ts";
import { readToken } from "../input/token-source.ts";
import type { VerifyOptions } from "../syntax/token.ts";
import { type CellStyle, printColumns } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { styleVerdict, withTitles } from "../terminal/style.ts";

/** The statuses of `invalid` and `auth.*` in the table of errors, for an answer that is printed all the same. */
const exitStatuses = { accepted: 0, malformed: 3, expired: 4, invalid: 4 } as const satisfies Record<
  Verified["outcome"],
  number
>;

export async function run(source: string | undefined, options: VerifyOptions): Promise<void> {
  const { settings } = await resolveConfig(process.env);
  const token = await readToken(source, options.file);
  const verified = await verifyToken(credentialSources(process.env), token, settings.issuers);
  process.exitCode = exitStatuses[verified.outcome];
  if (options.json) return printJson(toJson(verified));
  const rows = verified.checks.map(({ check, verdict, words }) => [check, verdict.replace("_", " "), words]);
  const style: CellStyle = (cell, row, column) =>
    row > 0 && column === 1 ? styleVerdict(cell) : withTitles(cell, row, column);
  printColumns([["CHECK", "VERDICT", "WORDS"], ...rows], style);
  if (verified.allows !== null) printLine(`\nA token like this ${verified.allows}.`);
}

function toJson({ outcome, userId, expiresAt, allows, checks }: Verified) {
  return { outcome, user_id: userId, expires_at: expiresAt, allows, checks };
}
