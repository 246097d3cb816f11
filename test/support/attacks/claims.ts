/** Attacks on the gate by the claims of a token that is well signed: by somebody who has a token for another purpose. */

import type { ClaimName } from "../../../src/auth/claims.ts";
import { escapeJson } from "../../../src/wire/escape.ts";
import { claims } from "../server/jwt.ts";
import type { Attack } from "./attacks.ts";
import { claiming, claimsText } from "./target.ts";

const now = Math.floor(Date.now() / 1000);
type Json = Readonly<Record<string, unknown>>;

/** One claim in every wrong form; undefined takes it away. */
function each(name: ClaimName, values: readonly unknown[], answer: Attack["answer"] = "invalid"): readonly Attack[] {
  return values.map((value) =>
    attack(`${name} ${value === undefined ? "missing" : shown(value)}`, name, { [name]: value }, answer),
  );
}

/** The same in every run, and printable. */
function shown(value: unknown): string {
  return escapeJson(JSON.stringify(value)).replaceAll(/\d{10,}(?:\.\d+)?/g, (digits) => {
    const [seconds, unit] = digits.length > 12 ? [Number(digits) / 1000, " in milliseconds"] : [Number(digits), ""];
    const distance = seconds - now;
    return Math.abs(distance) > 1000 ? digits : `now${distance < 0 ? "" : "+"}${distance}${unit}`;
  });
}

function attack(name: string, check: ClaimName, changes: Json, answer: Attack["answer"] = "invalid"): Attack {
  return { name, token: () => claiming(claims(changes)), answer, check };
}

/** A claim as it stands in the text, for what JSON.stringify would not write. */
function written(name: ClaimName, value: string): Attack {
  return {
    name: `${name} written as ${value}`,
    token: () => claiming(claimsText(`"${name}":${value}`, { [name]: undefined })),
    answer: "invalid",
    // What JSON has no form for does not even come to the rules of the claim.
    check: /^-?1e/.test(value) ? name : "form",
  };
}

const times: readonly Attack[] = [
  ...each("exp", [undefined, null, "", String(now + 60), "tomorrow", true, [], [now + 60], {}, { exp: now + 60 }]),
  ...each("exp", [(now + 60) * 1000, 253_402_300_800, 2 ** 53, 1e300]),
  ...each("exp", [now - 60, now - 6.5, 0, -1, -0.5, -(2 ** 53), -1e300], "expired"),
  ...["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "0x7fffffff", "+99999999999", "0_1", "99999999999n"].map(
    (text) => written("exp", text),
  ),
  ...each("iat", [undefined, null, "", String(now), true, [now], {}]),
  ...each("iat", [now + 600, now + 6.5 + 60, now * 1000, 1e300]),
  ...["1e999", "-1e999", "NaN", "Infinity"].map((text) => written("iat", text)),
  ...each("nbf", [null, "", String(now), "0", true, [0], {}]),
  ...each("nbf", [now + 600, now * 1000, 1e300]),
  ...["1e999", "-1e999", "NaN"].map((text) => written("nbf", text)),
];

const names: readonly Attack[] = [
  ...each("iss", [undefined, null, "", 5, true, ["session-buddy"], { 0: "session-buddy" }]),
  ...each("iss", ["Session-Buddy", "SESSION-BUDDY", "session-buddy ", " session-buddy", "session-buddy\n", "session"]),
  ...each("iss", ["session-buddy-2", "sessiοn-buddy", "session‐buddy", "session-buddy\u0000", "https://session-buddy"]),
  ...each("type", [undefined, null, "", "refresh", "Access", "ACCESS", "access ", " access", "аccess", "access\u0000"]),
  ...each("type", [["access"], { type: "access" }, true, 1]),
  ...each("aud", [null, "", "other", "Session-Buddy", "session-buddy ", "session-buddy-2", "sessiοn-buddy", 5, true]),
  ...each("aud", [[], ["other"], ["Session-Buddy"], [["session-buddy"]], [null], { 0: "session-buddy" }, {}]),
  ...each("user_id", [undefined, null, "", 0, 5, true, [], ["admin-shell"], {}, { name: "admin-shell" }]),
  ...each("user_id", ["a\u0000b", "\u0000", "\ud800", "a\udc00b", "\udc00\ud800", "a\nb", "\u001b[2J", "\u0085"]),
  attack("sub in place of user_id", "user_id", { user_id: undefined, sub: "admin-shell" }),
  attack("User_Id in place of user_id", "user_id", { user_id: undefined, User_Id: "admin-shell" }),
  attack("no claims at all", "exp", Object.fromEntries(Object.keys(claims()).map((name) => [name, undefined]))),
  {
    name: "the claims below __proto__",
    token: () => claiming(`{"__proto__":${JSON.stringify(claims())}}`),
    answer: "invalid",
    check: "exp",
  },
];

/** What is wrong besides is not hidden by the age. */
const expiredAndWorse: readonly Attack[] = [
  attack("expired, and of another issuer", "exp", { exp: now - 60, iss: "other" }),
  attack("expired, and of another type", "exp", { exp: now - 60, type: "refresh" }),
  attack("expired, and for somebody else", "exp", { exp: now - 60, aud: "other" }),
  attack("expired, and without user_id", "exp", { exp: now - 60, user_id: undefined }),
  attack("expired before it begins", "exp", { exp: now - 60, nbf: now + 600 }),
];

export const claimsAttacks: readonly Attack[] = [...times, ...names, ...expiredAndWorse];
