/** Owns the names, labels and buckets of the metrics (contract section 8), for `metrics.ts` and what lies beside it. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const sessionBuckets = [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800];
const callBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Instruments = ReturnType<typeof createInstruments>;

/** Makes a registry of its own with everything in it, and what is usual of the process: memory, processor, event loop. */
export function createInstruments(version: string) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Node.js promises nothing about where these are read, and Prometheus' own checker objects to their names.
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith("nodejs_active_")) registry.removeSingleMetric(name);
  }
  new Gauge({
    name: "session_buddy_build_info",
    help: "Always 1; the version of the program is in the label.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  return {
    registry,
    storeUp: new Gauge({
      name: "session_buddy_store_up",
      help: "Whether the store could be read for this answer; when not, active_sessions is left out and the session counters do not change.",
      registers,
    }),
    active: new Gauge({
      name: "active_sessions",
      help: "Sessions that are open, according to the store.",
      labelNames: ["component_name"],
      registers,
    }),
    starts: new Counter({
      name: "session_start_total",
      help: "Sessions recorded in any way since this server started.",
      labelNames: ["component_name", "shell_type"],
      registers,
    }),
    ends: new Counter({
      name: "session_end_total",
      help: "Sessions that closed since this server started, each once, by what was known first (ended, orphaned, replaced); calls that ended none (not_found, error).",
      labelNames: ["component_name", "status"],
      registers,
    }),
    durations: new Histogram({
      name: "session_duration_seconds",
      help: "How long sessions lasted whose end was recorded since this server started.",
      labelNames: ["component_name"],
      buckets: sessionBuckets,
      registers,
    }),
    ...callInstruments(registers),
  };
}

/** What is counted of the calls that this server answers. */
function callInstruments(registers: Registry[]) {
  return {
    successes: new Counter({
      name: "mcp_event_emit_success_total",
      help: "Calls to this server whose event is on record.",
      labelNames: ["component_name", "event_type"],
      registers,
    }),
    failures: new Counter({
      name: "mcp_event_emit_failure_total",
      help: "Calls to this server whose event is not on record, by the reason.",
      labelNames: ["component_name", "event_type", "error_type"],
      registers,
    }),
    callSeconds: new Histogram({
      name: "mcp_event_emit_duration_seconds",
      help: "How long calls to this server took, whatever their outcome.",
      labelNames: ["component_name", "event_type"],
      buckets: callBuckets,
      registers,
    }),
  };
}

/** For the service of a machine alone. */
export function createSpoolGauge(registry: Registry) {
  return new Gauge({
    name: "session_buddy_spool_files",
    help: "Files in the spool of the machine's record: followed, of these waiting to be recorded, unfit (put aside, or no shell's and left), beyond a user's limit and left.",
    labelNames: ["state"],
    registers: [registry],
  });
}
