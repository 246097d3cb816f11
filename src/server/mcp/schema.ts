/** Owns what every served tool has: its definition, its call, and the argument for the token. */
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { isObject } from "../../tracker/canonical.ts";
import type { Answered } from "../../wire/result.ts";

/** A tool as it is advertised, and the call behind it. `run` never throws. */
export interface ServedTool {
  readonly definition: Tool;
  readonly run: (args: unknown) => Promise<Answered<object>>;
}

/** Anything is taken, because anything is ignored without a secret; what is advertised is what makes sense to send. */
export const tokenArgument = z
  .unknown()
  .optional()
  .meta({
    description: "JWT; needed when the server has a secret, and ignored otherwise",
    anyOf: [{ type: "string" }, { type: "null" }],
  });

export function toSchema(schema: z.ZodType): Tool["inputSchema"] {
  return portable(z.toJSONSchema(schema, { io: "input" })) as Tool["inputSchema"];
}

/**
 * Says the same in words that every client knows: some map schemas onto a dialect where a type is one name, or stumble
 * over a schema that says nothing.
 *
 * @param value - a schema, or what stands in one
 */
function portable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(portable);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([keyword, inner]) => portableEntry(keyword, inner)));
}

function portableEntry(keyword: string, value: unknown): [keyword: string, value: unknown][] {
  if (keyword === "type" && Array.isArray(value)) return [["anyOf", value.map((type) => ({ type }))]];
  const isSilent =
    // The keys of JSON are strings anyhow, and other properties are allowed unless they are forbidden.
    keyword === "propertyNames" ||
    (keyword === "additionalProperties" && typeof value === "object" && Object.keys(value ?? {}).length === 0) ||
    value === Number.MIN_SAFE_INTEGER ||
    value === Number.MAX_SAFE_INTEGER;
  return isSilent ? [] : [[keyword, portable(value)]];
}
