/** Owns the one implementation of what makes a token good (contract section 5), check by check. For `gate.ts` and `tokens.ts`. */
import { compactVerify } from "jose";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type ClaimRules, checkClaims, claimNames, type Finding, hasExpired } from "./claims.ts";
import { type DecodedToken, decodeToken } from "./decode.ts";
import type { TokenKey } from "./token-key.ts";

export interface TokenRules extends ClaimRules {
  readonly keys: readonly TokenKey[];
}

/** In the order in which they are made; what comes after one of the first four that failed is not checked. */
const checkNames = ["form", "algorithm", "key", "signature", ...claimNames] as const;
export type CheckName = (typeof checkNames)[number];

export interface Check {
  readonly check: CheckName;
  readonly verdict: Finding["verdict"] | "not_checked";
  readonly words: string;
}

export interface Examination {
  /** `malformed`: no JWT at all. `expired`: it would be accepted if it were younger. */
  readonly outcome: "accepted" | "malformed" | "expired" | "invalid";
  readonly checks: readonly Check[];
  /** Null unless the signature holds: what nobody vouches for is not passed on. */
  readonly claims: DecodedToken["claims"] | null;
}

/** Holds a token to every rule. Never throws. */
export async function examineToken(token: unknown, rules: TokenRules): Promise<Examination> {
  const decoded = attemptDecode(token);
  if (typeof decoded === "string") return report(null, { form: failed(decoded) }, "malformed");
  const { header, claims } = decoded;
  const outer = await checkSignature(String(token), header, rules.keys);
  const findings = { form: ok("a compact JWT"), ...outer };
  if (outer.signature?.verdict !== "ok") return report(null, findings, "invalid");
  const inner = checkClaims(claims, rules);
  const broken = claimNames.filter((name) => inner[name].verdict === "failed");
  const isOnlyOld = broken.length === 1 && broken[0] === "exp" && hasExpired(claims, rules.nowMs);
  const outcome = broken.length === 0 ? "accepted" : isOnlyOld ? "expired" : "invalid";
  return report(claims, { ...findings, ...inner }, outcome);
}

function attemptDecode(token: unknown): DecodedToken | string {
  try {
    return decodeToken(token);
  } catch (error) {
    return error instanceof SessionBuddyError ? error.message : "the token cannot be read";
  }
}

type Findings = Readonly<Partial<Record<CheckName, Finding>>>;

/** The operator's keys alone count, each with its own algorithm; the token only says which of them it asks for. */
async function checkSignature(
  token: string,
  header: DecodedToken["header"],
  keys: readonly TokenKey[],
): Promise<Findings> {
  const fitting = keys.filter(({ algorithm }) => algorithm === header.alg);
  if (fitting.length === 0) return { algorithm: failed(`it is not ${algorithmsOf(keys)}`) };
  const algorithm = ok(String(header.alg));
  const issue = headerIssue(header);
  if (issue !== null) return { algorithm, key: failed(issue) };
  const { kid } = header;
  const candidates = kid === undefined ? fitting : fitting.filter((key) => key.kid !== null && key.kid === kid);
  if (candidates.length === 0) return { algorithm, key: failed(`no ${header.alg} key has the kid it names`) };
  const key = ok(candidates.map(({ name }) => name).join(" or "));
  for (const candidate of candidates) {
    if (await fits(token, candidate)) return { algorithm, key, signature: ok(`by ${candidate.name}`) };
  }
  return { algorithm, key, signature: failed("it was not made with this key, or the token was changed") };
}

const foreignKeys = ["jku", "jwk", "x5u", "x5c"] as const;

/** A token that brings its own key along, or asks to be read in a way of its own, was not made for us. */
function headerIssue(header: DecodedToken["header"]): string | null {
  const foreign = foreignKeys.find((name) => header[name] !== undefined);
  if (foreign !== undefined) return `the header carries its own key (${foreign})`;
  if (header.crit !== undefined) return "the header asks for an extension (crit)";
  // RFC 7797 section 7: never false in a JWT; and we know no other reason to name it.
  return header.b64 === undefined ? null : "the header asks for an unencoded payload (b64)";
}

async function fits(token: string, { key, algorithm }: TokenKey): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch {
    // Whatever it is that went wrong, nothing says that the signature holds.
    return false;
  }
}

function algorithmsOf(keys: readonly TokenKey[]): string {
  return [...new Set(keys.map(({ algorithm }) => algorithm))].join(" or ");
}

function report(claims: Examination["claims"], findings: Findings, outcome: Examination["outcome"]): Examination {
  const checks = checkNames.map((check): Check => {
    const finding = findings[check];
    return finding === undefined ? { check, verdict: "not_checked", words: "" } : { check, ...finding };
  });
  return { outcome, checks, claims };
}

function ok(words: string): Finding {
  return { verdict: "ok", words };
}

function failed(words: string): Finding {
  return { verdict: "failed", words };
}
