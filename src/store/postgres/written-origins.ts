/** Owns what works have written of origins and is not in the database yet. */
import type { OriginLoss, OriginState, ParkedEvent } from "../../tracker/origins.ts";

/** Each by its key, {@link parkedKey} and {@link lossKey}; the last one counts. */
export interface WrittenOrigins {
  readonly states: Map<string, OriginState>;
  readonly parked: Map<string, ParkedEvent | Unparked>;
  readonly losses: Map<string, OriginLoss>;
}

/** What is kept aside no more. */
export interface Unparked extends Pick<ParkedEvent, "originId" | "key"> {
  readonly isGone: true;
}

export function noOriginsWritten(): WrittenOrigins {
  return { states: new Map(), parked: new Map(), losses: new Map() };
}

/** Adds what one work has written to what others have. */
export function addOriginsTo(all: WrittenOrigins, own: WrittenOrigins): void {
  for (const [key, state] of own.states) all.states.set(key, state);
  for (const [key, event] of own.parked) all.parked.set(key, event);
  for (const [key, loss] of own.losses) all.losses.set(key, loss);
}

export function parkedKey({ originId, key }: Pick<ParkedEvent, "originId" | "key">): string {
  return JSON.stringify([originId, key]);
}

export function lossKey({ originId, stream, from, to }: OriginLoss): string {
  return JSON.stringify([originId, stream, from, to]);
}

export function isGone(event: ParkedEvent | Unparked): event is Unparked {
  return "isGone" in event;
}

export function isKept(event: ParkedEvent | Unparked): event is ParkedEvent {
  return !isGone(event);
}
