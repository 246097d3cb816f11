/** Owns the rows of what is known of origins, which both kinds of store have alike. */
import { canonicalJson, type Json, parseJson } from "../tracker/canonical.ts";
import type { Instant } from "../tracker/instant.ts";
import type { OriginLoss, OriginState, ParkedEvent } from "../tracker/origins.ts";

type Row = Readonly<Record<string, unknown>>;

/** @returns the body of a row of `origins` */
export function stateToBody(state: OriginState): string {
  return canonicalJson(state as unknown as Json);
}

export function bodyToState(body: unknown): OriginState {
  return parseJson(body as string) as unknown as OriginState;
}

/** The columns of `parked_events`, in the order of {@link parkedToValues}. */
export const parkedColumns = [
  "origin_id",
  "key",
  "stream",
  "seq",
  "code",
  "error",
  "start_event_id",
  "body",
  "parked_at",
] as const;

export function parkedToValues(event: ParkedEvent): (string | number | null)[] {
  const { originId, key, stream, seq, code, error, startEventId, body, at } = event;
  return [originId, key, stream, seq, code, error, startEventId, body, at];
}

export function rowToParked(row: Row): ParkedEvent {
  return {
    originId: row.origin_id as string,
    key: row.key as string,
    stream: row.stream as string,
    seq: row.seq as number,
    code: row.code as string,
    error: row.error as string,
    startEventId: row.start_event_id as string | null,
    body: row.body as string | null,
    at: row.parked_at as Instant,
  };
}

/** The columns of `origin_losses`, in the order of {@link lossToValues}. */
export const lossColumns = ["origin_id", "stream", "from_seq", "to_seq", "events", "why", "told_at"] as const;

export function lossToValues({ originId, stream, from, to, events, why, at }: OriginLoss): (string | number)[] {
  return [originId, stream, from, to, events, why, at];
}

export function rowToLoss(row: Row): OriginLoss {
  return {
    originId: row.origin_id as string,
    stream: row.stream as string,
    from: row.from_seq as number,
    to: row.to_seq as number,
    events: row.events as number,
    why: row.why as string,
    at: row.told_at as Instant,
  };
}
