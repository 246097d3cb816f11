/**
 * Owns the metrics of a server (contract section 8). For `serve.ts` alone, which loads it for HTTP.
 *
 * Most shells come on record through the hooks, in other processes. So what is said about sessions is read from the
 * store and its log, and only what is said about calls comes from the calls.
 */
import { createChangeReader } from "../../app/follow.ts";
import type { ReceiveListener } from "../../app/receive.ts";
import type { AnsweredCall } from "../../app/track.ts";
import type { SpoolCounts } from "../../capture/spool.ts";
import type { SessionState } from "../../tracker/fold.ts";
import type { LoggedChange, Store } from "../../tracker/store.ts";
import type { FailureCode } from "../../wire/result.ts";
import { createInstruments, createSpoolGauge, type Instruments } from "./instruments.ts";
import { LabelNames } from "./labels.ts";
import { createOriginMetrics } from "./origin-metrics.ts";
import { inTime, oneAtATime } from "./single-flight.ts";

/** What is asked of the store. */
export type MetricsStore = Pick<
  Store,
  "changes" | "events" | "lastSeq" | "replacements" | "componentCounts" | "sessions" | "stats" | "origins"
>;

export interface Metrics {
  /** The value of the header `Content-Type` for {@link text}. */
  readonly contentType: string;
  /** Counts a call; never throws. */
  readonly observe: (call: AnsweredCall) => void;
  /** Counts what a host delivered; never throws. */
  readonly observeDelivery: ReceiveListener;
  /** Counts what is new in the log, so that a scrape after a long time has little to read. Never throws. */
  follow(): Promise<void>;
  /** All metrics in Prometheus' text format 0.0.4. Never throws: what cannot be read from the store is left out. */
  text(): Promise<string>;
}

const largestComponents = 100;
const largestShellTypes = 30;
/** They have their labels whatever else is sent. */
const usualShellTypes = ["bash", "zsh", "fish", "sh", "dash", "ksh", "tcsh", "csh", "ash", "pwsh", "nu", "xonsh"];
/** Other shell types are looked for in this many sessions of this many components. */
const sampledComponents = 20;
const sampledSessions = 50;
/** Prometheus gives up after ten seconds; a store that is in trouble must not take the rest with it. */
const defaultDeadlineMs = 3_000;

const errorTypes = {
  usage: "validation",
  invalid: "validation",
  not_found: "not_found",
  "auth.missing": "authentication",
  "auth.expired": "authentication",
  "auth.invalid": "authentication",
  "auth.scope": "authentication",
  "auth.secret": "authentication",
  settings: "internal",
  "storage.unavailable": "storage",
  "storage.busy": "storage",
  "storage.corrupt": "storage",
  "storage.newer": "storage",
  network: "internal",
  internal: "internal",
} as const satisfies Readonly<Record<FailureCode, string>>;

export interface MetricsOptions {
  readonly store: MetricsStore;
  readonly version: string;
  /** What lies in the spool of the machine's record; none by default. */
  readonly spool?: { counts(): SpoolCounts } | null;
  /** How long an answer waits for the store, in milliseconds; 3 000 by default. */
  readonly storeDeadlineMs?: number;
}

/**
 * Makes the metrics of a server that starts now: the counters of sessions begin at the end of the log. The components
 * that have the most sessions on record have their labels before anybody can send new names.
 *
 * @throws SessionBuddyError `storage.*`
 */
export async function createMetrics(options: MetricsOptions): Promise<Metrics> {
  const { store, version, spool = null, storeDeadlineMs = defaultDeadlineMs } = options;
  const instruments = createInstruments(version);
  const spoolFiles = spool === null ? null : createSpoolGauge(instruments.registry);
  const originMetrics = createOriginMetrics(instruments.registry);
  const components = new LabelNames(largestComponents, (label) => zero(instruments, label));
  const shellTypes = new LabelNames(largestShellTypes);
  const position = await store.lastSeq();
  const follow = oneAtATime(
    createChangeReader(store, position, (change) => count(instruments, components, shellTypes, change)),
  );
  await admitRecorded(store, components, shellTypes);
  const countActive = async () => {
    const rows = await store.stats("component", { states: ["active"] });
    const counts = new Map<string, number>();
    for (const { key, open } of rows) {
      const label = components.admit(key);
      counts.set(label, (counts.get(label) ?? 0) + open);
    }
    return counts;
  };
  const readStore = oneAtATime(async () => {
    await follow();
    return { counts: await countActive(), origins: await store.origins() };
  });

  return {
    contentType: instruments.registry.contentType,
    observe: (call) => observe(instruments, components, call),
    observeDelivery: originMetrics.observe,
    follow: () => follow().catch(() => {}),
    async text() {
      const read = await inTime(readStore(), storeDeadlineMs);
      showActive(instruments, read?.counts ?? null, components.labels());
      if (read !== null) originMetrics.show(read.origins, Date.now());
      if (spool !== null && spoolFiles !== null) showSpool(spoolFiles, spool.counts());
      return instruments.registry.metrics();
    },
  };
}

const closedStates = ["ended", "orphaned", "replaced"] as const satisfies readonly SessionState[];

/** A counter that appears with its first event has no rise that Prometheus could see. */
function zero({ ends, durations }: Instruments, label: string): void {
  for (const status of closedStates) ends.inc({ component_name: label, status }, 0);
  durations.zero({ component_name: label });
}

/** A component keeps its line when its last session is over. @param counts - null when the store could not be read */
function showActive(
  { active, storeUp }: Instruments,
  counts: ReadonlyMap<string, number> | null,
  labels: readonly string[],
): void {
  storeUp.set(counts === null ? 0 : 1);
  active.reset();
  if (counts === null) return;
  for (const label of [...labels, ...counts.keys()]) active.set({ component_name: label }, counts.get(label) ?? 0);
}

/** No user has a label: whoever may scrape learns of nobody. */
function showSpool(
  spoolFiles: ReturnType<typeof createSpoolGauge>,
  { followed, waiting, unfit, beyondLimit }: SpoolCounts,
): void {
  for (const [state, count] of Object.entries({ followed, waiting, unfit, beyond_limit: beyondLimit })) {
    spoolFiles.set({ state }, count);
  }
}

async function admitRecorded(store: MetricsStore, components: LabelNames, shellTypes: LabelNames): Promise<void> {
  for (const shellType of usualShellTypes) shellTypes.admit(shellType);
  const counts = await store.componentCounts();
  for (const { componentName } of counts.slice(0, largestComponents)) components.admit(componentName);
  for (const { componentName } of counts.slice(0, sampledComponents)) {
    const sessions = await store.sessions({ componentName, limit: sampledSessions });
    for (const { shellType } of sessions) shellTypes.admit(shellType);
  }
}

/** A session closes once: an end after a proof of death only adds how long it lasted. */
function count(
  { starts, ends, durations }: Instruments,
  components: LabelNames,
  shellTypes: LabelNames,
  { change, componentName, shellType, durationMs }: LoggedChange,
): void {
  const component_name = components.admit(componentName);
  if (change === "started") starts.inc({ component_name, shell_type: shellTypes.admit(shellType) });
  if (change === "ended" || change === "orphaned" || change === "replaced")
    ends.inc({ component_name, status: change });
  if (durationMs !== null) durations.observe({ component_name }, durationMs / 1_000);
}

function observe({ ends, successes, failures, callSeconds }: Instruments, components: LabelNames, call: AnsweredCall) {
  const { componentName, eventType: event_type, status, failure, seconds } = call;
  const isRecorded = status === "tracked" || status === "ended";
  // A refused call's name is vouched for by its caller alone.
  const component_name =
    isRecorded && componentName !== null ? components.admit(componentName) : components.find(componentName);
  callSeconds.observe({ component_name, event_type }, seconds);
  if (isRecorded) return successes.inc({ component_name, event_type });
  failures.inc({ component_name, event_type, error_type: errorTypes[failure ?? "not_found"] });
  if (event_type === "session_end") ends.inc({ component_name, status });
}
