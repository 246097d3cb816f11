/** Owns the metrics of a server that other records deliver to. There are none of them before the first one has. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { ReceiveListener } from "../../app/receive.ts";
import { instantToMs } from "../../tracker/instant.ts";
import { backlogOf, type OriginState } from "../../tracker/origins.ts";
import { refusalCodes } from "../../wire/batch.ts";

export interface OriginMetrics {
  /** Counts what was taken of a batch. */
  readonly observe: ReceiveListener;
  /** Shows what is known of the origins now. */
  show(origins: readonly OriginState[], nowMs: number): void;
}

/** Whoever has more hosts watches them by `host list`; the ones that were heard last are shown. */
const mostShown = 1_000;

export function createOriginMetrics(registry: Registry): OriginMetrics {
  let made: ReturnType<typeof instruments> | null = null;
  const get = () => {
    made ??= instruments([registry]);
    return made;
  };
  return {
    observe(_, { stored, known, refused }) {
      const { taken } = get();
      taken.inc({ outcome: "stored" }, stored);
      taken.inc({ outcome: "known" }, known);
      for (const { code } of refused) taken.inc({ outcome: code });
    },
    show(origins, nowMs) {
      if (origins.length === 0 && made === null) return;
      const { hosts, ...gauges } = get().gauges;
      hosts.set(origins.length);
      for (const gauge of Object.values(gauges)) gauge.reset();
      const latest = [...origins].sort((a, b) => (a.heardAt > b.heardAt ? -1 : 1)).slice(0, mostShown);
      for (const state of latest) {
        const labels = { host: state.name, origin: state.originId };
        gauges.silence.set(labels, Math.max(0, nowMs - instantToMs(state.heardAt)) / 1_000);
        gauges.backlog.set(labels, backlogOf(state));
        gauges.parked.set(labels, state.parked);
        gauges.skew.set(labels, state.skewMs / 1_000);
        gauges.clones.set(labels, state.clone === null ? 0 : 1);
        gauges.losses.set(labels, state.losses);
      }
    },
  };
}

function instruments(registers: Registry[]) {
  const taken = new Counter({
    name: "session_buddy_delivered_events_total",
    help: "Events that hosts delivered to this server since it started: stored, known before, or why they were refused.",
    labelNames: ["outcome"],
    registers,
  });
  // A counter that appears with its first event has no rise that Prometheus could see.
  for (const outcome of ["stored", "known", ...refusalCodes]) taken.inc({ outcome }, 0);
  const ofHost = (name: string, help: string) =>
    new Gauge({ name: `session_buddy_host_${name}`, help, labelNames: ["host", "origin"], registers });
  return {
    taken,
    gauges: {
      hosts: new Gauge({ name: "session_buddy_hosts", help: "Hosts that have ever delivered.", registers }),
      silence: ofHost("silence_seconds", "How long ago the host was last heard."),
      backlog: ofHost("backlog_events", "Events that the host still has to deliver, as it said last."),
      parked: ofHost("parked_events", "Events of the host that were refused and are kept aside."),
      skew: ofHost("clock_skew_seconds", "By how much the host's clock is ahead, as of its last delivery."),
      clones: ofHost("clone_suspected", "1 where two machines seem to have sent with its key."),
      losses: ofHost("losses", "How many times it told that it had to give up events."),
    },
  };
}
