/** Questions about a generated history (`test/bench/generate.ts`): every set of filters, each with names that occur in it. */
import type { SessionQuery } from "../../../src/tracker/store.ts";
import { at } from "./session-events.ts";

/** Every set of these filters. */
const filters: readonly SessionQuery[] = [
  { username: "user-3" },
  { hostname: "host-2" },
  { componentName: "shell" },
  { states: ["orphaned"] },
  { openSince: at("2025-06-01T00:00:00Z") },
  { openUntil: at("2025-06-02T00:00:00Z") },
  { startedSince: at("2025-01-01T00:00:00Z") },
  { after: { startedAt: at("2025-05-01T12:00:00Z"), sessionId: "m" } },
  { cwd: "/home/user-3/project-1" },
];
const sets = Array.from(
  { length: 2 ** filters.length },
  (_, set): SessionQuery => Object.assign({}, ...filters.filter((_, index) => set & (2 ** index))),
);
/** Every seventh of them with each of these as well. */
const logins: readonly SessionQuery[] = [
  { loginUser: "user-3" },
  { tty: "pts/7" },
  { loginUser: "user-3", tty: "pts/7" },
  { loginUser: "nobody" },
];
export const questions: readonly SessionQuery[] = [
  ...sets,
  ...logins.flatMap((login, offset) =>
    sets.filter((_, index) => index % 7 === offset).map((query): SessionQuery => ({ ...query, ...login })),
  ),
];
