/** Owns the rules for the start of a shell that this machine saw itself: the contract's sentences, and what it says as it is. */
import { canonicalJson, isObject, type JsonObject } from "./canonical.ts";
import { SessionBuddyError } from "./errors.ts";
import type { StartContent } from "./event.ts";
import {
  componentNameIssue,
  hostTextRules,
  maxEnvironmentText,
  maxHostname,
  maxMetadataBytes,
  maxPid,
  maxShellType,
  textIssue,
} from "./limits.ts";

/** What a start says before it was looked at. */
export type SaidStart = Omit<StartContent, "pid" | "metadata"> & {
  /** In decimal digits. */
  readonly pid: string;
  readonly metadata: unknown;
};

/**
 * Looks at a start as the parser of the wire would, without its form: times and texts are what they are already.
 *
 * @throws SessionBuddyError `invalid` with the contract's sentence for every broken rule, in the order of its table
 */
export function checkedStart(said: SaidStart): StartContent {
  const pid = Number(said.pid);
  const issues = [
    componentNameIssue(said.componentName),
    named("shell_type", textIssue(said.shellType, maxShellType)),
    named("pid", pidIssue(said.pid)),
    named("user.username", textIssue(said.username, hostTextRules.maxUsername)),
    named("user.home", textIssue(said.home, hostTextRules.maxHome)),
    named("hostname", textIssue(said.hostname, maxHostname)),
    named("environment.platform", textIssue(said.platform, maxEnvironmentText)),
    named("environment.cwd", textIssue(said.cwd, hostTextRules.maxCwd)),
    named("metadata", metadataIssue(said.metadata)),
  ].filter((issue) => issue !== null);
  if (issues.length > 0) throw new SessionBuddyError("invalid", issues.join("; "));
  return { ...said, pid, metadata: said.metadata as JsonObject | null };
}

function named(name: string, issue: string | null): string | null {
  return issue === null ? null : `${name}: ${issue}`;
}

function pidIssue(text: string): string | null {
  if (!/^[+-]?\d+$/.test(text)) return "Input should be a valid integer";
  const pid = Number(text);
  if (pid < 1) return "Input should be greater than or equal to 1";
  return pid > maxPid ? `Input should be less than or equal to ${maxPid}` : null;
}

/** @returns what is wrong with metadata, to stand after its name; null when nothing is, or there is none */
export function metadataIssue(metadata: unknown): string | null {
  if (metadata === null) return null;
  if (!isObject(metadata)) return "Input should be a valid object";
  try {
    const text = canonicalJson(metadata as JsonObject);
    if (utf8Length(text) <= maxMetadataBytes) return null;
    return `Object should have at most ${maxMetadataBytes} bytes when serialised`;
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

/** Length in bytes of well-formed or escaped text as UTF-8; the core has no Buffer. */
function utf8Length(text: string): number {
  if (text.length > maxMetadataBytes) return text.length;
  return new TextEncoder().encode(text).length;
}
