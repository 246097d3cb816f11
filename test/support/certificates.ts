/** Makes certificates (RFC 5280) for servers of the tests: of an authority of their own, for any name and time. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { pinOf } from "../../src/host/secure-target.ts";

/** A certificate and its key, both in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  readonly pin: string;
}

interface Issuer {
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface Authority extends Certificate {
  issue(names: readonly string[], options?: { readonly expiresAt?: Date }): Certificate;
}

const hour = 3_600_000;

export function createAuthority(name = "Test authority"): Authority {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = { name, privateKey: pair.privateKey };
  const own = certificate(pair, issuer, { name, names: [], isAuthority: true, expiresAt: inOneHour() });
  return {
    ...own,
    issue: (names, { expiresAt = inOneHour() } = {}) =>
      certificate(generateKeyPairSync("ec", { namedCurve: "P-256" }), issuer, {
        name: names[0] ?? "",
        names,
        isAuthority: false,
        expiresAt,
      }),
  };
}

/** @returns one that no authority vouches for */
export function createSelfSigned(...names: readonly string[]): Certificate {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = names[0] ?? "";
  return certificate(
    pair,
    { name, privateKey: pair.privateKey },
    { name, names, isAuthority: false, expiresAt: inOneHour() },
  );
}

function inOneHour(): Date {
  return new Date(Date.now() + hour);
}

interface Subject {
  readonly name: string;
  readonly names: readonly string[];
  readonly isAuthority: boolean;
  readonly expiresAt: Date;
}

function certificate(
  { publicKey, privateKey }: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  issuer: Issuer,
  subject: Subject,
): Certificate {
  const spki = publicKey.export({ type: "spki", format: "der" });
  const algorithm = sequence(oid("2a8648ce3d040302"));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    distinguished(issuer.name),
    sequence(time(new Date(subject.expiresAt.getTime() - 24 * hour)), time(subject.expiresAt)),
    distinguished(subject.name),
    spki,
    der(0xa3, sequence(...extensions(subject))),
  );
  const signature = sign("sha256", body, issuer.privateKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    certificate: pem("CERTIFICATE", whole),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    pin: pinOf(spki),
  };
}

function extensions({ names, isAuthority }: Subject): Buffer[] {
  const constraints = sequence(oid("551d13"), yes, der(0x04, sequence(...(isAuthority ? [yes] : []))));
  if (names.length === 0) return [constraints];
  const list = names.map((name) =>
    /^[\d.]+$/.test(name) ? der(0x87, Buffer.from(name.split(".").map(Number))) : der(0x82, Buffer.from(name)),
  );
  return [constraints, sequence(oid("551d11"), der(0x04, sequence(...list)))];
}

const yes = Buffer.from([0x01, 0x01, 0xff]);

function distinguished(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
}

function time(at: Date): Buffer {
  const text = at.toISOString().replaceAll(/[-:T]/g, "").replace(/\..*/, "Z");
  return der(0x18, Buffer.from(text));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
