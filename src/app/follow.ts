/** Owns following the store's log, whoever writes it: for `watch`, live streams, and the metrics of a server. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { type Instant, instantFromMs } from "../tracker/instant.ts";
import type { EventLog, LoggedChange } from "../tracker/store.ts";
import { type LogRow, toLogRow } from "../wire/view.ts";
import { batchSize } from "./pages.ts";

const pollMs = 500;

/** What came on record since the look before. */
export interface News {
  readonly events: readonly LogRow[];
  /** Names the log; another one, as of a restored backup, has another name, and its positions are others. */
  readonly logId: string;
  /** What comes after it has not been told. */
  readonly position: number;
  /** Why nothing can be heard at this moment of a record elsewhere, which is waited for; missing while it is heard. */
  readonly away?: string;
}

/** A log that is followed. */
export type FollowedLog = Pick<EventLog, "changes" | "events" | "lastSeq" | "replacements" | "logId">;

export interface FollowOptions {
  /** Finishes what shells left behind; called at each look. */
  readonly bringUpToDate: () => Promise<unknown>;
  readonly stop: AbortSignal;
}

/**
 * Follows the log as it grows.
 *
 * @param position - in the log; what comes after it is new. Null for its end
 * @returns what is new as it comes, and nothing, every now and then, while nothing comes; it ends when it is stopped
 */
export async function* follow(
  store: FollowedLog,
  position: number | null,
  { bringUpToDate, stop }: FollowOptions,
): AsyncGenerator<News, void> {
  let at = position ?? (await store.lastSeq());
  const next = createBatches(store, at, (after) => store.events(after, batchSize));
  while (!stop.aborted) {
    await bringUpToDate();
    for (let isMore = true; isMore; ) {
      const { batch, after } = await next();
      at = after;
      yield { events: batch.map(toLogRow), logId: await store.logId(), position: at };
      if (stop.aborted) return;
      isMore = batch.length === batchSize;
    }
    await pause(pollMs, undefined, { signal: stop }).catch(() => {});
  }
}

/**
 * Makes a reader of what is new, each change told once; a read that fails continues from there the next time. Must not
 * run twice at a time.
 *
 * @param position - in the log; what comes after it is new
 */
export function createChangeReader(
  store: Pick<EventLog, "changes" | "events" | "lastSeq" | "replacements">,
  position: number,
  tell: (change: LoggedChange) => void,
): () => Promise<void> {
  const next = createBatches(store, position, (after) => store.changes(after, batchSize));
  return async () => {
    for (let isMore = true; isMore; ) {
      const { batch: changes } = await next();
      for (const change of changes) tell(change);
      isMore = changes.length === batchSize;
      // The other work of a server gets its turn.
      if (isMore) await nextTurn();
    }
  };
}

/**
 * Makes what reads a log batch by batch. Where another log comes in its place, as an empty one or a restored backup does,
 * what came on record there since the last look is new.
 *
 * @param read - the batch after a position
 */
function createBatches<T extends { readonly seq: number }>(
  store: Pick<EventLog, "events" | "lastSeq" | "replacements">,
  position: number,
  read: (after: number) => Promise<readonly T[]>,
): () => Promise<{ readonly batch: readonly T[]; readonly after: number }> {
  let after = position;
  let replacements = store.replacements();
  let lookedAt = instantFromMs(Date.now());
  return async () => {
    for (;;) {
      const now = instantFromMs(Date.now());
      const batch = await read(after);
      if (store.replacements() === replacements) {
        after = batch.at(-1)?.seq ?? after;
        lookedAt = now;
        return { batch, after };
      }
      replacements = store.replacements();
      after = await positionAt(store, lookedAt);
    }
  };
}

/** @returns the position after which the log has what came on record at an instant or later */
export async function positionAt(store: Pick<EventLog, "events" | "lastSeq">, instant: Instant): Promise<number> {
  let [before, last] = [0, await store.lastSeq()];
  while (before < last) {
    const middle = Math.floor((before + last) / 2);
    const [next] = await store.events(middle, 1);
    if (next !== undefined && next.event.observed.recordedAt < instant) before = next.seq;
    else last = middle;
  }
  return before;
}
