/** Owns the one canonical text of JSON data, by which contents are compared and stored. Part of the pure core. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A list or an object of which a part is written. */
interface Open {
  readonly parts: readonly Json[];
  /** Null for a list. */
  readonly keys: readonly string[] | null;
  written: number;
}

/**
 * Writes JSON data with sorted keys and no white space, so that equal data gives equal text. Works without recursion,
 * so that no nesting is too deep for the stack.
 *
 * @throws TypeError, with a sentence for whoever sent it, when a number is not finite, because JSON would turn it into
 *   null (see `wire/numbers.ts` for those that are read as infinite), or a value is of no kind that JSON has, because it would be left out
 */
export function canonicalJson(value: Json): string {
  const open: Open[] = [];
  let text = begin(value, open);
  for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) text += goOn(inner, open);
  return text;
}

/** @returns the text of a scalar, or the bracket of anything else, which is then the innermost that is open */
function begin(value: Json, open: Open[]): string {
  if (value === null || typeof value !== "object") return scalar(value);
  if (isArray(value)) {
    open.push({ parts: value, keys: null, written: 0 });
    return "[";
  }
  const keys = Object.keys(value).sort();
  open.push({ parts: keys.map((key) => value[key] as Json), keys, written: 0 });
  return "{";
}

/** @returns the beginning of the next part of the innermost that is open, or its end */
function goOn(inner: Open, open: Open[]): string {
  const { parts, keys, written } = inner;
  if (written === parts.length) {
    open.pop();
    return keys === null ? "]" : "}";
  }
  inner.written += 1;
  const comma = written > 0 ? "," : "";
  const key = keys === null ? "" : `${JSON.stringify(keys[written])}:`;
  return comma + key + begin(parts[written] as Json, open);
}

const unfitNumber = "Numbers should be ones that a 64-bit float holds exactly; send others as strings";

function scalar(value: null | boolean | number | string): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(unfitNumber);
  const text: string | undefined = typeof value === "bigint" ? undefined : JSON.stringify(value);
  if (text === undefined) throw new TypeError("Values should be of kinds that JSON has");
  return text;
}

/** @returns whether a value that was read is an object of JSON, not a list and not null */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Array.isArray does not narrow readonly arrays.
function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * V8 may read a key that has an escape, such as `"a\n":`, as another key that has a backslash there, `"a\\":`, when it
 * has seen that one in the same place before (Node.js 24 and 26; 20 does not). So keys have no escapes while JSON.parse
 * runs: a mark of the private use area and the four hex digits of the character stand for each.
 */
const mark = "\uE000";
// Outside its strings, JSON has no quotes: taken one after the other, every string is seen whole, and a key by its colon.
// One without its closing quote is taken to the end of the text: to look on behind its first quote, and behind every quote
// in it, would take as long as the square of its length.
const stringOrKey = /"([^"\\]*(?:\\[\s\S]?[^"\\]*)*)(?:"(\s*:)?|$)/g;
const escapeOrMark = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))|\uE000/g;
const marked = /\uE000([0-9a-f]{4})/g;
const shortEscapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * Reads JSON as JSON.parse does, without the fault above.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): Json {
  if (!text.includes("\\")) return JSON.parse(text);
  const unescaped = text.replace(stringOrKey, toMarkedKey);
  return unescaped === text ? JSON.parse(text) : JSON.parse(unescaped, (_, value) => withKeys(value));
}

function toMarkedKey(whole: string, inside: string, colon: string | undefined): string {
  return colon === undefined ? whole : `"${inside.replace(escapeOrMark, toMarked)}"${colon}`;
}

function toMarked(_: string, hex: string | undefined, short: string | undefined): string {
  const character = short === undefined ? mark : (shortEscapes[short] ?? short);
  return mark + (hex?.toLowerCase() ?? character.charCodeAt(0).toString(16).padStart(4, "0"));
}

function withKeys(value: unknown): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  if (!entries.some(([name]) => name.includes(mark))) return value;
  const toCharacter = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return Object.fromEntries(entries.map(([name, item]) => [name.replace(marked, toCharacter), item]));
}
