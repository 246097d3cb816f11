/** Owns which path under `/v1` asks which question: one table for answering them and for describing them. */

/** Paths without their `/v1/`, and the tool that answers each; `{session_id}` is the tool's argument. */
export const questionPaths: Readonly<Record<string, string>> = {
  sessions: "search_sessions",
  "sessions/{session_id}": "get_session",
  "sessions/{session_id}/why": "explain_session",
  stats: "session_stats",
  timeline: "session_timeline",
};

export interface AskedTool {
  readonly tool: string;
  /** The arguments that stand in the path, decoded; an empty text, which no session has for an id, where one is no text. */
  readonly args: Readonly<Record<string, string>>;
}

const patterns = Object.entries(questionPaths).map(([path, tool]) => ({
  tool,
  pattern: new RegExp(`^${path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
}));

/** @returns null when the path asks nothing that is known */
export function askedBy(path: string): AskedTool | null {
  for (const { tool, pattern } of patterns) {
    const found = pattern.exec(path);
    if (found === null) continue;
    const parts = Object.entries(found.groups ?? {});
    return { tool, args: Object.fromEntries(parts.map(([name, part]) => [name, decoded(part)])) };
  }
  return null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
