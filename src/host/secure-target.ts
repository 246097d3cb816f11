/** Owns how the server of another machine is named: its address, and by what it is known to be the right one. */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { SessionBuddyError } from "../tracker/errors.ts";

/** Whom to ask, and by what it is known. */
export interface SecureTarget {
  /** `https://NAME:PORT`; `http://` only for this machine's own addresses. A path in it is put before every path. */
  readonly url: string;
  /**
   * `sha256//` and the base64 of the hash of the server's public key, several separated by `;`, as curl(1) has it. Instead
   * of a chain of certificates, unless there is a file of authorities too; then both must hold. Null for none.
   */
  readonly pin: string | null;
  /** PEM file with the authorities to believe; null for those of the system. */
  readonly caFile: string | null;
  /** How long a connection may take, and how long nothing may come on one, in milliseconds; 10 000 and 30 000 by default. */
  readonly connectMs?: number;
  readonly silenceMs?: number;
  /** Of an answer, 1 MiB by default. */
  readonly largestAnswerBytes?: number;
}

const pinPattern = /^sha256\/\/[A-Za-z0-9+/]{43}=(?:;sha256\/\/[A-Za-z0-9+/]{43}=)*$/;

/**
 * Reads the address of another machine's server.
 *
 * @throws SessionBuddyError `usage` with what is wrong
 */
export function parseTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new SessionBuddyError("usage", "an address such as https://central.example:8678 is needed");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new SessionBuddyError("usage", "the address has a user, a password, a query or a fragment; leave it out");
  }
  if (url.protocol === "http:" && !isOwnMachine(url.hostname)) {
    throw new SessionBuddyError("usage", `${url.origin} is not encrypted; use https, or an address of this machine`);
  }
  return url;
}

/** @throws SessionBuddyError `usage` for a pin in another form; null is none */
export function requirePin(pin: string | null): void {
  if (pin === null || pinPattern.test(pin)) return;
  throw new SessionBuddyError("usage", "a pin has the form sha256//BASE64, as 'host invite' prints it");
}

/** @returns the pin of a public key in DER (SPKI) */
export function pinOf(publicKey: Uint8Array): string {
  return `sha256//${createHash("sha256").update(publicKey).digest("base64")}`;
}

function isOwnMachine(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIP(hostname) === 4 && hostname.startsWith("127."));
}
