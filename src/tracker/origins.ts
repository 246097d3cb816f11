/**
 * Owns what this record knows of the records that deliver to it: how far each has come, when it was last heard, what of it
 * was kept aside. The laws of its part of the store's port are in `test/contract/store/origin-laws.ts`.
 */
import type { BootClock } from "./event.ts";
import type { Instant } from "./instant.ts";

/** How far one log of an origin was taken. */
export interface StreamPosition {
  /** Names the log. */
  readonly stream: string;
  /** Everything up to here is on record, or kept aside. */
  readonly acked: number;
  /** The newest position there, as it said last. */
  readonly last: number;
}

/**
 * Why two machines seem to send with one key: `position`: an event came for a position that was taken already, as from a
 * copy, or a machine that was restored from a backup; `alternating`: what was replaced by another boot or log came back.
 */
export type CloneSign = "position" | "alternating";

/** What is known of one origin. */
export interface OriginState {
  readonly originId: string;
  /** The name that it was invited by. */
  readonly name: string;
  readonly heardAt: Instant;
  /** By how much its clock is ahead of this machine's. */
  readonly skewMs: number;
  /** The version of its program; null where it did not say. */
  readonly program: string | null;
  readonly boot: BootClock | null;
  /** Boots before that one, the newest first. */
  readonly earlierBoots: readonly string[];
  /** Its logs, the one that was used last first. */
  readonly streams: readonly StreamPosition[];
  /** The last sign of two machines with one key; null while there was none. */
  readonly clone: { readonly sign: CloneSign; readonly at: Instant } | null;
  /** How many of its events are kept aside, and how many of these wait for the start of their session. */
  readonly parked: number;
  readonly waiting: number;
  /** How much room the former take, in characters. */
  readonly parkedSize: number;
  /** How many losses it has told. */
  readonly losses: number;
}

/** An event that was not taken, as it was sent. */
export interface ParkedEvent {
  readonly originId: string;
  /** What it is found by: its event id, or the log and position of one that has none. */
  readonly key: string;
  readonly stream: string;
  readonly seq: number;
  readonly code: string;
  readonly error: string;
  /** Of an end that waits for its start: the id of that one's event. */
  readonly startEventId: string | null;
  /** JSON; null where there was no room for it. */
  readonly body: string | null;
  readonly at: Instant;
}

/** Events that an origin had to give up before they were delivered. */
export interface OriginLoss {
  readonly originId: string;
  readonly stream: string;
  /** Positions, both included. */
  readonly from: number;
  readonly to: number;
  readonly events: number;
  readonly why: string;
  readonly at: Instant;
}

/** What is read and written together with events. */
export interface OriginsTransaction {
  origin(originId: string): Promise<OriginState | null>;
  /** Writes over what was there. */
  putOrigin(state: OriginState): Promise<void>;
  /** The session of an origin that has this id there; of several the one that started last. */
  sessionOfOrigin(originId: string, sessionIdThere: string): Promise<string | null>;
  parkedEvent(originId: string, key: string): Promise<ParkedEvent | null>;
  /** Those that wait for the start with this id, in the order of their keys. */
  parkedFor(originId: string, startEventId: string): Promise<readonly ParkedEvent[]>;
  /** Writes over what was there by its key. */
  park(event: ParkedEvent): Promise<void>;
  unpark(originId: string, key: string): Promise<void>;
  /** Whether the same loss was told before: the same positions of the same log. */
  isLossKnown(loss: OriginLoss): Promise<boolean>;
  /** The loss must be new. */
  addLoss(loss: OriginLoss): Promise<void>;
}

/** What is asked of it outside of a transaction. */
export interface Origins {
  /** Every origin that was ever heard, in the order of their ids. */
  origins(): Promise<readonly OriginState[]>;
  origin: OriginsTransaction["origin"];
  /** What is kept aside of an origin: at most `limit`, in the order of their keys, from behind `afterKey` on. */
  parkedOf(originId: string, afterKey: string, limit: number): Promise<readonly ParkedEvent[]>;
  /** What an origin has lost, in the order of log and position. */
  lossesOf(originId: string): Promise<readonly OriginLoss[]>;
}

const mostStreams = 16;
const mostBoots = 16;

/** @returns how far a log was taken; 0 where it was never seen */
export function ackedOf(state: OriginState | null, stream: string): number {
  return state?.streams.find((one) => one.stream === stream)?.acked ?? 0;
}

/** @returns how many events it has that were not taken, as far as it has said */
export function backlogOf({ streams: [current] }: OriginState): number {
  return current === undefined ? 0 : Math.max(0, current.last - current.acked);
}

/** What one batch says of who sent it. */
export interface Heard {
  readonly originId: string;
  readonly name: string;
  readonly at: Instant;
  readonly skewMs: number;
  readonly program: string | null;
  readonly boot: BootClock | null;
  readonly position: StreamPosition;
}

/** @returns what is known after a batch */
export function heardFrom(before: OriginState | null, heard: Heard): OriginState {
  const { originId, name, at, skewMs, program, boot, position } = heard;
  const known = before ?? nothingOf(heard);
  const others = known.streams.filter(({ stream }) => stream !== position.stream);
  return {
    ...known,
    ...{ originId, name, heardAt: at, skewMs, program, boot: boot ?? known.boot },
    earlierBoots: earlierBoots(known, boot),
    streams: [position, ...others].slice(0, mostStreams),
    clone: hasComeBack(known, heard) ? { sign: "alternating", at } : known.clone,
  };
}

function nothingOf({ originId, name, at, skewMs }: Heard): OriginState {
  return {
    ...{ originId, name, heardAt: at, skewMs, program: null, boot: null, earlierBoots: [], streams: [], clone: null },
    ...{ parked: 0, waiting: 0, parkedSize: 0, losses: 0 },
  };
}

function earlierBoots({ boot, earlierBoots }: OriginState, now: BootClock | null): readonly string[] {
  if (boot === null || now === null || boot.bootId === now.bootId) return earlierBoots;
  return [...new Set([boot.bootId, ...earlierBoots])].slice(0, mostBoots);
}

/** A machine boots anew and takes a new log, but goes back to neither. */
function hasComeBack({ boot, earlierBoots, streams }: OriginState, heard: Heard): boolean {
  const isEarlierBoot =
    heard.boot !== null && heard.boot.bootId !== boot?.bootId && earlierBoots.includes(heard.boot.bootId);
  return isEarlierBoot || streams.slice(1).some(({ stream }) => stream === heard.position.stream);
}
