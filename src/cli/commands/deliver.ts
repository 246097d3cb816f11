/** `session-buddy deliver` and `deliver status`: what this record sends to others, and how far that has got. */
import type { DeliveryReport, DeliveryStatus } from "../../app/deliver.ts";
import { deliverNow, deliveryStatus } from "../../app/deliver-now.ts";
import { formatInstant, instantFromMs } from "../../tracker/instant.ts";
import { withApp } from "../context.ts";
import type { DeliverOptions, DeliverStatusOptions } from "../syntax/deliver.ts";
import { printWrapped } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

const notDelivered = 5;
const interrupted = 130;

export async function runNow(options: DeliverOptions): Promise<void> {
  const stop = new AbortController();
  // The lease is given back, so that the next one need not wait for it.
  process.once("SIGINT", () => stop.abort()).once("SIGTERM", () => stop.abort());
  const progress = createProgress();
  const reports = await withApp((app) =>
    deliverNow(app, { isWaiting: options.wait ?? false, signal: stop.signal, onProgress: progress.tell }),
  ).finally(progress.done);
  if (stop.signal.aborted) process.exitCode = interrupted;
  else if (reports.some(hasFailed)) process.exitCode = notDelivered;
  if (options.json) return printJson({ destinations: reports.map(toReportRow) });
  printWrapped(reports.map((report) => [report.name, wordsOf(report)]));
}

function hasFailed({ turn }: DeliveryReport): boolean {
  return turn === null || turn.outcome === "failed" || turn.outcome === "refused";
}

export async function runStatus(options: DeliverStatusOptions): Promise<void> {
  const all = await withApp(deliveryStatus);
  if (options.json) return printJson({ destinations: all.map(toStatusRow) });
  for (const [at, status] of all.entries()) {
    if (at > 0) printLine("");
    printWrapped(factsOf(status));
  }
}

function wordsOf({ issue, turn, place, backlog }: DeliveryReport): string {
  if (issue !== null) return `nothing was sent: ${issue}`;
  const sent = turn === null ? 0 : turn.stored + turn.known + turn.refused;
  const known = turn === null || turn.known === 0 ? "" : `, ${turn.known} of which were known there`;
  const refused = turn === null || turn.refused === 0 ? "" : `, ${turn.refused} were refused`;
  const delivered = `${sent} events delivered${known}${refused}`;
  switch (turn?.outcome) {
    case "done":
      return delivered;
    case "busy":
      return `another process delivers at this moment; ${backlog.events} events wait`;
    case "waiting":
      return `waits until ${timeOf(place?.nextAtMs ?? null)}, because ${place?.lastError}; 'session-buddy deliver --wait' tries now`;
    case "stopped":
      return `${delivered}; ${backlog.events} wait`;
    default:
      return `${delivered}; ${backlog.events} wait: ${place?.lastError}`;
  }
}

function factsOf({ name, url, issue, place, backlog, refused }: DeliveryStatus): string[][] {
  return [
    ["destination", name],
    ["address", url ?? "-"],
    ["state", stateOf({ issue, place, backlog })],
    ["waiting", `${backlog.events} events`],
    ["last delivered", timeOf(place?.lastOkAtMs ?? null)],
    ...(place?.nextAtMs == null ? [] : [["next try", timeOf(place.nextAtMs)]]),
    ...(backlog.refused === 0 ? [] : [["refused there", `${backlog.refused} events`]]),
    ...refused.map(({ eventId, code, error }) => ["", `${eventId} ${code}: ${error}`]),
    ...(backlog.lost === 0 ? [] : [["lost", `${backlog.lost} events were removed before they could be delivered`]]),
  ];
}

function stateOf({ issue, place, backlog }: Pick<DeliveryStatus, "issue" | "place" | "backlog">): string {
  if (issue !== null) return `stopped: ${issue}`;
  if (place === null) return "nothing was delivered yet; 'session-buddy deliver' does it now";
  if (place.lastError !== null) return `failed ${place.tries} times: ${place.lastError}`;
  return backlog.events === 0 ? "everything is delivered" : "events wait; 'session-buddy deliver' sends them now";
}

function timeOf(ms: number | null): string {
  return ms === null ? "-" : formatInstant(instantFromMs(ms)).replace(/\.\d+/, "");
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : formatInstant(instantFromMs(ms));
}

function toReportRow({ turn, ...report }: DeliveryReport) {
  return {
    ...toRow(report),
    outcome: turn?.outcome ?? "stopped",
    stored: turn?.stored ?? 0,
    known: turn?.known ?? 0,
    refused: turn?.refused ?? 0,
  };
}

function toStatusRow({ refused, ...status }: DeliveryStatus) {
  const { place } = status;
  return {
    ...toRow(status),
    stream: place?.stream ?? null,
    sent_position: place?.sent ?? 0,
    acked_position: place?.acked ?? 0,
    tries: place?.tries ?? 0,
    clock_offset_ms: place?.clockOffsetMs ?? 0,
    refused_events: status.backlog.refused,
    lost_events: status.backlog.lost,
    last_refused: refused.map(({ seq, eventId, code, error }) => ({ seq, event_id: eventId, code, error })),
  };
}

/** What both have. */
function toRow({ name, url, issue, place, backlog }: Omit<DeliveryReport, "turn">) {
  return {
    name,
    url,
    issue,
    waiting_events: backlog.events,
    last_ok_at: timeOrNull(place?.lastOkAtMs ?? null),
    next_at: timeOrNull(place?.nextAtMs ?? null),
    error: place?.lastError ?? null,
  };
}
