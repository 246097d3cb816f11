/** `session-buddy token inspect`: what a token says, without verifying anything. */
import { type ShownToken, showToken } from "../../auth/tokens.ts";
import { readToken } from "../input/token-source.ts";
import type { InspectOptions } from "../syntax/token.ts";
import { printColumns } from "../terminal/columns.ts";
import { printJson, printMessage } from "../terminal/print.ts";
import { withNames } from "../terminal/style.ts";

const warning =
  "NOT VERIFIED: anyone can write a token that says this. To see whether a server accepts it: session-buddy token verify\n";

export async function run(source: string | undefined, options: InspectOptions): Promise<void> {
  const shown = showToken(await readToken(source, options.file));
  printMessage(warning);
  if (options.json) return printJson(toJson(shown));
  printColumns(toRows(shown), withNames);
}

function toJson({ header, claims, issuedAt, validFrom, expiresAt, allows }: ShownToken) {
  return { verified: false, header, claims, issued_at: issuedAt, valid_from: validFrom, expires_at: expiresAt, allows };
}

function toRows({ header, claims, issuedAt, validFrom, expiresAt, allows }: ShownToken): string[][] {
  const notes: Readonly<Record<string, string | null>> = {
    iat: issuedAt,
    nbf: validFrom,
    exp: expiresAt,
    scope: allows,
  };
  const rowsOf = (part: string, values: Readonly<Record<string, unknown>>) =>
    Object.entries(values).map(([name, value]) => [`${part}.${name}`, toText(value), ""]);
  return [
    ...rowsOf("header", header),
    ...Object.entries(claims).map(([name, value]) => [name, toText(value), notes[name] ?? ""]),
  ];
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
