/** Runs the server scenarios of the MCP conformance suite against a URL, as the suite's own command line does. */
import { packageProgram } from "../packages.ts";
import { type Outcome, runToEnd, type Sandbox } from "../sandbox.ts";

export interface Verdict {
  /** 0 when every check passes or is expected to fail, and every check that is expected to fail does. */
  readonly status: number | null;
  /** Names of the scenarios that ran. */
  readonly scenarios: readonly string[];
  readonly expected: readonly string[];
  readonly unexpected: readonly string[];
  /** What the baseline expects to fail and passed. */
  readonly stale: readonly string[];
  /** All that the suite printed. */
  readonly output: string;
}

/** The newest revision of the protocol that the SDK of the server speaks. */
export const revision = "2025-11-25";

const marks = { expected: "~", unexpected: "✗", stale: "✓" };

/**
 * Runs every scenario that applies to {@link revision}, those among them that the suite itself does not score yet, too.
 *
 * @param baseline - path of the YAML file of the checks that may fail
 */
export async function runConformance(sandbox: Sandbox, url: string, baseline: string): Promise<Verdict> {
  const args = ["--suite", "all", "--spec-version", revision, "--expected-failures", baseline];
  const { status, stdout, stderr } = await conformance(sandbox, ["server", "--url", url, ...args]);
  const output = stdout + stderr;
  // The summary has the same marks as the verdicts, but a colon and figures behind each name.
  const marked = (mark: string) => [...output.matchAll(new RegExp(`^ {2}${mark} (\\S+)$`, "gm"))].map(nameOf);
  return {
    status,
    scenarios: [...output.matchAll(/^=== Running scenario: (\S+) ===$/gm)].map(nameOf),
    expected: marked(marks.expected),
    unexpected: marked(marks.unexpected),
    stale: marked(marks.stale),
    output,
  };
}

/** @returns the names of the server scenarios that {@link revision} requires */
export async function requiredScenarios(sandbox: Sandbox): Promise<readonly string[]> {
  const { stdout } = await conformance(sandbox, ["list", "--server", "--requirements", revision]);
  const server = stdout.slice(0, stdout.indexOf("\nClient scenarios"));
  return [...server.matchAll(/^ {2}- (\S+)/gm)].map(nameOf);
}

function conformance({ env, folder }: Sandbox, args: readonly string[]): Promise<Outcome> {
  return runToEnd(packageProgram("conformance"), args, { env: { ...env, NO_COLOR: "1" }, cwd: folder });
}

function nameOf(match: RegExpMatchArray): string {
  return match[1] ?? "";
}
