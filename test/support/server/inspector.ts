/** The command line of the MCP Inspector: one method a run. */
import { packageProgram } from "../packages.ts";
import { launcher, type Outcome, runToEnd, type Sandbox } from "../sandbox.ts";
import type { TransportKind } from "./transports.ts";

const program = packageProgram("mcp-inspector");

export type Inspector = (method: string, ...args: readonly string[]) => Promise<Outcome>;

/**
 * @param env - for the server; over HTTP it is started here
 * @returns a function that runs the Inspector to its end, as someone at a shell would; its result is JSON on standard output
 */
export async function inspector(
  sandbox: Sandbox,
  kind: TransportKind,
  env: Readonly<Record<string, string>> = {},
): Promise<Inspector> {
  // The Inspector hands a server over stdio the variables that it is told, and few others.
  // It takes none that is empty.
  const named = Object.entries({ ...sandbox.env, ...env }).filter(([, value]) => value !== "");
  const variables = named.flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const server =
    kind === "HTTP" ? [(await sandbox.serve(env)).url] : [launcher, "serve", "--stdio", "--transport", "stdio"];
  const given = kind === "HTTP" ? server : [...server, ...variables];
  return (method, ...args) =>
    runToEnd(program, ["--cli", ...given, "--method", method, "--format", "json", "--stored-auth-only", ...args], {
      env: sandbox.env,
      cwd: sandbox.folder,
    });
}

/** @throws when the Inspector failed or printed no result */
export function resultOf({ status, stdout, stderr }: Outcome): Record<string, unknown> {
  if (status !== 0) throw new Error(`the Inspector ended with ${status}: ${stdout}${stderr}`);
  return JSON.parse(stdout).result;
}
