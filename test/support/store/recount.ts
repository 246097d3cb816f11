/** Counts a store's log from its events alone, as the metrics of a server that started at a position must have it. */
import type { SessionEvent } from "../../../src/tracker/event.ts";
import { foldSession } from "../../../src/tracker/fold.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { type Family, keyOf, samplesOf } from "../server/prometheus.ts";

/** Samples other than zero, by name and labels. */
export type Counts = ReadonlyMap<string, number>;

const everything = 1_000_000;

/**
 * @param position - events up to it were there before the server
 * @param lengths - how long each session lasted when it was counted first: a stronger word that comes later corrects the
 *   record, not what was counted
 */
export async function recount(
  store: Pick<Store, "events" | "sessions">,
  position: number,
  lengths = new Map<string, number>(),
): Promise<Counts> {
  const rows = await store.sessions({});
  const lengthNow = new Map(rows.map(({ sessionId, durationMs }) => [sessionId, durationMs ?? 0]));
  const counts = new Map<string, number>();
  const add = (name: string, labels: Readonly<Record<string, string>>, value = 1) => {
    const key = keyOf(name, labels);
    counts.set(key, (counts.get(key) ?? 0) + value);
  };
  const lives = new Map<string, SessionEvent[]>();
  for (const { seq, event } of await store.events(0, everything)) {
    const before = lives.get(event.sessionId) ?? [];
    const now = [...before, event];
    lives.set(event.sessionId, now);
    if (seq <= position) continue;
    const [earlier, later] = [foldSession(before), foldSession(now)];
    const component_name = later?.componentName ?? "";
    if (earlier === null && later !== null) {
      add("session_start_total", { component_name, shell_type: later.shellType });
    }
    if (earlier?.state === "active" && later !== null && later.state !== "active") {
      add("session_end_total", { component_name, status: later.state });
    }
    if (earlier?.durationMs === null && later !== null && later.durationMs !== null) {
      add("session_duration_seconds_count", { component_name });
      const lengthMs = lengths.get(event.sessionId) ?? lengthNow.get(event.sessionId) ?? 0;
      lengths.set(event.sessionId, lengthMs);
      add("session_duration_seconds_sum", { component_name }, lengthMs / 1_000);
    }
  }
  for (const { componentName, state } of rows) {
    if (state === "active") add("active_sessions", { component_name: componentName });
  }
  return new Map([...counts].filter(([, value]) => value !== 0));
}

/** What the metrics say of the same, without calls that ended no session. */
export function countsIn(families: ReadonlyMap<string, Family>): Counts {
  const names = ["session_start_total", "session_end_total", "active_sessions"];
  const samples = [...names, "session_duration_seconds_count", "session_duration_seconds_sum"]
    .flatMap((name) => samplesOf(families, name))
    .filter(({ value, labels }) => value !== 0 && !["not_found", "error"].includes(labels.status ?? ""));
  return new Map(samples.map(({ name, labels, value }) => [keyOf(name, labels), value]));
}
