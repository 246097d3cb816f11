/** Attacks on the gate by the form of a token: what no JWT is, and what two readers would read in two ways. */

import { claims, secret } from "../server/jwt.ts";
import type { Attack } from "./attacks.ts";
import { claiming, claimsText, encoded, headed, hs, token, unaligned, withUnusedBits } from "./target.ts";

const header = { alg: "HS256", typ: "JWT" };
const good = () => headed(header);
const parts = () => good().split(".") as [string, string, string];

function attack(name: string, make: () => unknown, answer: Attack["answer"] = "invalid"): Attack {
  return { name, token: make, answer, check: answer === "missing" ? null : "form" };
}

/** A token of which the first two parts are taken as they are, and signed. */
function signedParts(first: string, second: string): string {
  return `${first}.${second}.${hs()(`${first}.${second}`).toString("base64url")}`;
}

const nothing: readonly Attack[] = [
  attack("nothing at all", () => undefined, "missing"),
  attack("null", () => null, "missing"),
  attack("an empty text", () => "", "missing"),
];

const notCompact: readonly Attack[] = [
  attack("Bearer before it", () => `Bearer ${good()}`),
  attack("a space before it", () => ` ${good()}`),
  attack("a newline after it", () => `${good()}\n`),
  attack("a newline inside it", () => good().replace(".", ".\n")),
  attack("a NUL after it", () => `${good()}\u0000`),
  attack("two tokens", () => `${good()} ${good()}`),
  attack("a token in a list", () => [good()]),
  attack("a token in an object", () => ({ token: good() })),
  attack("an object that becomes a token", () => ({ toString: () => good() })),
  attack("a number", () => 5),
  attack("true", () => true),
  attack("points alone", () => ".."),
  attack("one part", () => parts()[0]),
  attack("four parts", () => `${good()}.x`),
  attack("an empty header", () => `.${parts()[1]}.${parts()[2]}`),
  attack("empty claims", () => signedParts(parts()[0], "")),
  attack("the five parts of a JWE", () => `${encoded({ alg: "dir", enc: "A256GCM" })}..AAAA.AAAA.AAAA`),
  attack("a JWS in the flattened JSON form", () => {
    const [protectedHeader, payload, signature] = parts();
    return JSON.stringify({ payload, protected: protectedHeader, signature });
  }),
  attack("a JWS in the general JSON form", () => {
    const [protectedHeader, payload, signature] = parts();
    return JSON.stringify({ payload, signatures: [{ protected: protectedHeader, signature }] });
  }),
  attack("the JSON form as an object", () => {
    const [protectedHeader, payload, signature] = parts();
    return { payload, protected: protectedHeader, signature };
  }),
];

const size = 64 * 1024;
const sizes: readonly Attack[] = [
  attack("64 KiB of points", () => ".".repeat(size)),
  attack("64 KiB of one letter", () => "A".repeat(size)),
  attack("64 KiB of claims, well signed", () => claiming(claims({ filling: "x".repeat(size) }))),
  attack("64 KiB of header, well signed", () => headed({ ...header, filling: "x".repeat(size) })),
  attack("64 KiB of signature", () => `${good()}${"A".repeat(size)}`),
  attack("one letter over the limit, well signed", () => {
    const overhead = claiming(claims({ filling: "" })).length;
    return claiming(claims({ filling: "x".repeat(Math.ceil(((16 * 1024 - overhead) * 3) / 4) + 4) }));
  }),
];

const notBase64Url: readonly Attack[] = [
  attack("padding after each part", () => parts().map(padded).join(".")),
  attack("padding after the claims, well signed", () => signedParts(parts()[0], padded(encoded(oddClaims())))),
  attack("+ and / in the claims, well signed", () => {
    const plain = Buffer.from(JSON.stringify(claims({ filling: "\u07ff\u07fe>>>???" }))).toString("base64");
    return signedParts(parts()[0], plain.replaceAll("=", ""));
  }),
  attack("white space in the claims, well signed", () => signedParts(parts()[0], parts()[1].replace(/^.{8}/, "$& "))),
  attack("a header of one letter, which is no byte", () => signedParts("A", parts()[1])),
  attack("claims with their unused bits set, well signed", () =>
    signedParts(parts()[0], withUnusedBits(encoded(oddClaims()))),
  ),
  attack("a header with its unused bits set, well signed", () =>
    signedParts(withUnusedBits(encoded(unaligned('{"alg":"HS256"}'))), parts()[1]),
  ),
];

function oddClaims(): string {
  return unaligned(JSON.stringify(claims()));
}

function padded(part: string): string {
  return part + "=".repeat((4 - (part.length % 4)) % 4);
}

const notJson: readonly Attack[] = [
  ...['"text"', "[]", "null", "5", "", "{", "{}x", "{'alg':'HS256'}", "\ufeff{}"].flatMap((text) => [
    attack(`${JSON.stringify(text)} as header`, () => token(text, claims(), hs())),
    attack(`${JSON.stringify(text)} as claims`, () => claiming(text)),
  ]),
  attack("a byte order mark before the claims", () => claiming(`\ufeff${JSON.stringify(claims())}`)),
  attack("claims that are no UTF-8", () => {
    const bytes = Buffer.from(JSON.stringify(claims({ user_id: "xx" })));
    bytes[bytes.indexOf("xx")] = 0xff;
    return signedParts(parts()[0], bytes.toString("base64url"));
  }),
  attack("claims in UTF-16", () =>
    signedParts(parts()[0], Buffer.from(JSON.stringify(claims()), "utf16le").toString("base64url")),
  ),
  attack("claims that are a token", () => claiming(good())),
  attack("claims that are a token, as JSON text", () => claiming(JSON.stringify(good()))),
];

const doubledKeys: readonly Attack[] = [
  attack("alg twice, none first", () => headed('{"alg":"none","alg":"HS256"}')),
  attack("alg twice, HS256 first", () => headed('{"alg":"HS256","alg":"none"}')),
  attack("alg twice, alike", () => headed('{"alg":"HS256","alg":"HS256"}')),
  attack("alg twice, once with an escape", () => headed('{"\\u0061lg":"none","alg":"HS256"}')),
  attack("kid twice", () => headed('{"alg":"HS256","kid":"a","kid":"b"}')),
  ...["user_id", "exp", "iat", "iss", "type", "aud", "other"].map((name) =>
    attack(`the claim ${name} twice`, () => claiming(claimsText(`"${name}":1,"${name}":1`))),
  ),
  attack("user_id twice, another first", () => claiming(claimsText('"user_id":"root"'))),
  attack("user_id twice, once with an escape", () => claiming(claimsText('"user\\u005Fid":"root"'))),
  attack("user_id twice, with white space", () => claiming(claimsText('"user_id" \t\n:"root"'))),
  attack("a key twice in an object of a claim", () => claiming(claimsText('"a":[{"b":1,"c":{"d":[],"d":[]}}]'))),
  attack("a key twice behind text that looks like the end", () => claiming(claimsText('"a":"\\\\","b":"{\\"","b":1'))),
];

const lookalikes: readonly Attack[] = [
  attack("points of another script", () => good().replaceAll(".", "\uff0e")),
  attack("a zero-width space before it", () => `\u200b${good()}`),
  attack("the secret itself", () => secret),
];

export const formAttacks: readonly Attack[] = [
  ...nothing,
  ...notCompact,
  ...sizes,
  ...notBase64Url,
  ...notJson,
  ...doubledKeys,
  ...lookalikes,
];
