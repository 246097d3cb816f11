/** Owns the one canonical text of JSON data, by which contents are compared and stored. Part of the pure core. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** What is still to be written: a value, or text that is in its final form. */
type Pending = { readonly value: Json } | { readonly text: string };

/**
 * Writes JSON data with sorted keys and no white space, so that equal data gives equal text. Works without recursion,
 * so that no nesting is too deep for the stack.
 *
 * @throws TypeError when a number is not finite, because JSON would turn it into null
 */
export function canonicalJson(value: Json): string {
  let text = "";
  const pending: Pending[] = [{ value }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    text += "text" in next ? next.text : begin(next.value, pending);
  }
  return text;
}

/** @returns the text of a scalar or the opening of anything else, whose rest is put on the stack, last part first. */
function begin(value: Json, pending: Pending[]): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("a number is not finite");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) {
    pending.push({ text: "]" });
    for (let index = value.length - 1; index >= 0; index -= 1) {
      pending.push({ value: value[index] as Json });
      if (index > 0) pending.push({ text: "," });
    }
    return "[";
  }
  pending.push({ text: "}" });
  const keys = Object.keys(value).sort();
  for (const [index, key] of [...keys.entries()].reverse()) {
    pending.push({ value: value[key] as Json }, { text: `${index > 0 ? "," : ""}${JSON.stringify(key)}:` });
  }
  return "{";
}

// Array.isArray does not narrow readonly arrays.
function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
