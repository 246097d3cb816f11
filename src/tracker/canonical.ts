/** Owns the one canonical text of JSON data, by which contents are compared and stored. Part of the pure core. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * Writes JSON data with sorted keys and no white space, so that equal data gives equal text.
 *
 * @throws RangeError when the data is nested too deeply for the stack
 * @throws TypeError when a number is not finite, because JSON would turn it into null
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("a number is not finite");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  let text = "";
  if (isArray(value)) {
    for (const item of value) text += `${text === "" ? "" : ","}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort()) {
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`;
  }
  return `{${text}}`;
}

// Array.isArray does not narrow readonly arrays.
function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
