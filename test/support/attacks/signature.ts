/** Attacks on the gate by the header, the algorithm, the key and the signature of a token. */
import { constants, generateKeyPairSync, sign } from "node:crypto";
import type { CheckName } from "../../../src/auth/examine.ts";
import { secret } from "../server/jwt.ts";
import type { Attack } from "./attacks.ts";
import {
  ec,
  ed,
  headed,
  hs,
  type Pair,
  pairs,
  publicTexts,
  type Signer,
  spkiOf,
  strangers,
  unsigned,
  withUnusedBits,
} from "./target.ts";

const header = { alg: "HS256", typ: "JWT" };
const good = () => headed(header);
const cut =
  (bytes: number): Signer =>
  (input) =>
    hs()(input).subarray(0, bytes);
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const rsaSigner =
  (padding: number): Signer =>
  (input) =>
    sign("sha256", Buffer.from(input), { key: rsa, padding });

function attack(name: string, check: CheckName, token: () => string): Attack {
  return { name, token, answer: "invalid", check };
}

const noAlgorithm: readonly Attack[] = [
  "none",
  "None",
  "NONE",
  "nOnE",
  "none ",
  "",
  null,
  0,
  [],
  ["HS256"],
  {},
].flatMap((alg) => [
  attack(`alg ${JSON.stringify(alg)} and no signature`, "algorithm", () => headed({ alg, typ: "JWT" }, unsigned)),
  attack(`alg ${JSON.stringify(alg)} and the secret's signature`, "algorithm", () => headed({ alg, typ: "JWT" })),
]);

const otherAlgorithms: readonly Attack[] = [
  attack("no alg at all", "algorithm", () => headed({ typ: "JWT" })),
  attack("alg hs256 in small letters", "algorithm", () => headed({ alg: "hs256" })),
  attack("alg HS256 with a lookalike letter", "algorithm", () => headed({ alg: "НS256" })),
  attack("HS384 with the secret", "algorithm", () => headed({ alg: "HS384" }, hs(undefined, 384))),
  attack("HS512 with the secret", "algorithm", () => headed({ alg: "HS512" }, hs(undefined, 512))),
  attack("HS256 that is named HS512", "algorithm", () => headed({ alg: "HS512" })),
  attack("HS512 that is named HS256", "signature", () => headed({ alg: "HS256" }, hs(undefined, 512))),
  attack("RS256 with a stranger's key", "algorithm", () =>
    headed({ alg: "RS256" }, rsaSigner(constants.RSA_PKCS1_PADDING)),
  ),
  attack("PS256 with a stranger's key", "algorithm", () =>
    headed({ alg: "PS256" }, rsaSigner(constants.RSA_PKCS1_PSS_PADDING)),
  ),
  attack("ES256 with a stranger's key", "signature", () => headed({ alg: "ES256" }, ec(strangers.ec))),
  attack("EdDSA with a stranger's key", "signature", () => headed({ alg: "EdDSA" }, ed(strangers.ed))),
  attack("ES256 signed by the Ed25519 key", "key", () => headed({ alg: "ES256", kid: pairs.ed.kid }, ed())),
  attack("EdDSA signed by the P-256 key", "key", () => headed({ alg: "EdDSA", kid: pairs.ec.kid }, ec())),
  attack("ES256 signed by the right key, in the DER form", "signature", () =>
    headed({ alg: "ES256" }, ec(pairs.ec, "der")),
  ),
  attack("ES384 signed by the P-256 key", "algorithm", () => headed({ alg: "ES384", kid: pairs.ec.kid }, ec())),
  attack("ES256 with a signature of zeros (CVE-2022-21449)", "signature", () =>
    headed({ alg: "ES256" }, () => Buffer.alloc(64)),
  ),
  attack("EdDSA with a signature of zeros", "signature", () => headed({ alg: "EdDSA" }, () => Buffer.alloc(64))),
];

/** The public key is known to everybody; whoever verifies HS256 with it lets everybody in. */
const confusion: readonly Attack[] = Object.values(pairs).flatMap((pair: Pair) =>
  Object.entries(publicTexts(pair)).flatMap(([form, text]) => [
    attack(`HS256 with the public ${pair.alg} key as secret: ${form}`, "signature", () =>
      headed({ alg: "HS256" }, hs(text)),
    ),
    attack(`the same with the key's kid: ${form}, ${pair.alg}`, "key", () =>
      headed({ alg: "HS256", kid: pair.kid }, hs(text)),
    ),
    attack(`${pair.alg} with HMAC by the public key: ${form}`, "signature", () =>
      headed({ alg: pair.alg, kid: pair.kid }, hs(text)),
    ),
  ]),
);

const kids = [
  "/dev/null",
  "../../../../dev/null",
  "/etc/passwd",
  "' OR '1'='1",
  "' UNION SELECT 'secret'--",
  '"; rm -rf /',
  "$(id)",
  "__proto__",
  "constructor",
  "",
  "\u0000",
  "\u001b[2J",
  null,
  0,
  [pairs.ed.kid],
  { kid: pairs.ed.kid },
];
const hostileKids: readonly Attack[] = kids.flatMap((kid) => [
  attack(`kid ${JSON.stringify(kid)} and an empty secret`, "key", () => headed({ alg: "HS256", kid }, hs(""))),
  attack(`kid ${JSON.stringify(kid)} and the secret`, "key", () => headed({ alg: "HS256", kid })),
  attack(`kid ${JSON.stringify(kid)} and the Ed25519 key`, "key", () => headed({ alg: "EdDSA", kid }, ed())),
]);

const ownKeys: readonly Attack[] = Object.values(strangers).flatMap((pair: Pair) => {
  const signer = pair.alg === "EdDSA" ? ed : ec;
  const brought: readonly (readonly [name: string, header: Readonly<Record<string, unknown>>])[] = [
    ["jwk", { jwk: pair.publicJwk }],
    ["jku", { jku: "https://attacker.example/jwks.json" }],
    ["x5u", { x5u: "https://attacker.example/cert.pem" }],
    ["x5c", { x5c: [spkiOf(pair)] }],
  ];
  return brought.flatMap(([name, header]) => [
    attack(`${name}: a stranger's ${pair.alg} key in the header`, "key", () =>
      headed({ alg: pair.alg, ...header }, signer(pair)),
    ),
    attack(`${name}: the same under a kid of ours, ${pair.alg}`, "key", () =>
      headed({ alg: pair.alg, kid: pair.alg === "EdDSA" ? pairs.ed.kid : pairs.ec.kid, ...header }, signer(pair)),
    ),
    attack(`${name} (${pair.alg}) in a token that the secret signed`, "key", () => headed({ alg: "HS256", ...header })),
  ]);
});

const extensions: readonly Attack[] = [
  attack("an unknown crit", "key", () => headed({ alg: "HS256", crit: ["x"], x: 1 })),
  attack("an empty crit", "key", () => headed({ alg: "HS256", crit: [] })),
  attack("a crit that is text", "key", () => headed({ alg: "HS256", crit: "b64", b64: true })),
  attack("crit b64 true", "key", () => headed({ alg: "HS256", crit: ["b64"], b64: true })),
  attack("b64 false", "key", () => headed({ alg: "HS256", b64: false })),
  attack("b64 false and crit", "key", () => headed({ alg: "HS256", crit: ["b64"], b64: false })),
];

const signatures: readonly Attack[] = [
  attack("no signature", "signature", () => good().replace(/[^.]+$/, "")),
  attack("no signature and no point", "form", () => good().replace(/\.[^.]+$/, "")),
  attack("half a signature", "signature", () => headed(header, cut(16))),
  attack("a signature that lacks its last byte", "signature", () => headed(header, cut(31))),
  attack("a signature with one byte more", "signature", () =>
    headed(header, (input) => Buffer.concat([hs()(input), Buffer.alloc(1)])),
  ),
  attack("a signature with another first letter", "signature", () => good().replace(/[^.](?=[^.]{42}$)/, otherLetter)),
  attack("a signature with its unused bits set", "form", () => withUnusedBits(good())),
  attack("a signature of another token", "signature", () =>
    good().replace(/[^.]+$/, String(headed({ alg: "HS256" }).split(".")[2])),
  ),
  attack("another secret", "signature", () => headed({ alg: "HS256" }, hs("x".repeat(32)))),
  attack("the start of the secret", "signature", () => headed({ alg: "HS256" }, hs("a s"))),
  attack("the secret with a newline", "signature", () => headed({ alg: "HS256" }, hs(`${secret}\n`))),
];

function otherLetter(letter: string): string {
  return letter === "A" ? "B" : "A";
}

export const signatureAttacks: readonly Attack[] = [
  ...noAlgorithm,
  ...otherAlgorithms,
  ...confusion,
  ...hostileKids,
  ...ownKeys,
  ...extensions,
  ...signatures,
];
