/** Owns how a token is taken apart: so strictly that no two readers can see two tokens in it. For `auth/`, and `tokens.ts` to show one. */
import { isObject, parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** What a token says, not verified. */
export interface DecodedToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/** What Node.js takes as all the headers of a request; a token that somebody needs is a tenth of it. In characters. */
export const longestToken = 16 * 1024;
const compactForm = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/;

/**
 * Takes a compact JWT apart (RFC 7519).
 *
 * @throws SessionBuddyError `invalid` with the rule that is broken, and nothing of the token
 */
export function decodeToken(token: unknown): DecodedToken {
  if (typeof token !== "string") throw malformed("the token is not a string");
  if (token === "") throw malformed("the token is empty");
  if (token.length > longestToken) throw malformed(`the token is longer than ${longestToken} characters`);
  const [, header, payload, signature] = compactForm.exec(token) ?? [];
  if (header === undefined || payload === undefined || signature === undefined)
    throw malformed("the token is not three base64url parts separated by dots");
  decodePart(signature, "signature");
  return {
    header: readObject(decodePart(header, "header"), "header"),
    claims: readObject(decodePart(payload, "payload"), "payload"),
  };
}

/** Bits that are left over must be zero, or one token would have several texts (RFC 4648 section 3.5). */
function decodePart(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) throw malformed(`the ${name} is not base64url`);
  return bytes;
}

function readObject(bytes: Buffer, name: string): JsonObject {
  const text = readText(bytes, name);
  const value = readJson(text, name);
  if (!isObject(value)) throw malformed(`the ${name} is not a JSON object`);
  if (hasDoubledKey(text)) throw malformed(`the ${name} holds a key twice`);
  return value as JsonObject;
}

function readText(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed(`the ${name} is not UTF-8`);
  }
}

/** What the parser says of a wrong text repeats it. */
function readJson(text: string, name: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw malformed(`the ${name} is not JSON`);
  }
}

// A string without its closing quote is taken to the end of the text, so that the time never grows as the square of it.
const stringOrBracket = /("[^"\\]*(?:\\.[^"\\]*)*)(?:"(\s*:)?|$)|[{}[\]]/g;

/**
 * `JSON.parse` keeps the last of two equal keys, other readers the first (RFC 8259 section 4), so that whoever checks
 * a token and whoever uses it would see two. In a text that it has read, everything but strings and brackets may be
 * passed over, and a string before a colon is a key; a key may be written in several ways (`\u0061` for `a`).
 *
 * @param text - valid JSON
 */
function hasDoubledKey(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(stringOrBracket)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (string !== undefined && colon !== undefined) {
      const keys = open.at(-1);
      const key: string = JSON.parse(`${string}"`);
      if (keys?.has(key)) return true;
      keys?.add(key);
    }
  }
  return false;
}

function malformed(words: string): SessionBuddyError {
  return new SessionBuddyError("invalid", words);
}
