/** Owns what every served tool has: its definition, its call, and the argument for the token. For `server/` alone. */
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

/** A tool as it is advertised, and the call behind it. `run` never throws. */
export interface ServedTool {
  readonly definition: Tool;
  readonly run: (args: unknown) => Promise<object>;
}

export const tokenArgument = z
  .unknown()
  .optional()
  .describe("JWT, a string; needed when the server has a secret, and ignored whatever it is otherwise");

export function toSchema(schema: z.ZodType): Tool["inputSchema"] {
  return z.toJSONSchema(schema, { io: "input" }) as Tool["inputSchema"];
}
