/**
 * A centre as a value: it keeps what it is sent by the rules of the protocol, says what breaks them, and can be put back to
 * an earlier state as one that is restored from a backup.
 */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { parseJson } from "../../../src/tracker/canonical.ts";
import {
  type Batch,
  largestInflatedBytes,
  largestSentBytes,
  mostEventsSent,
  parseBatch,
} from "../../../src/wire/batch.ts";

export interface ModelAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What it has. */
interface Kept {
  /** Position of each stream. */
  readonly acked: ReadonlyMap<string, number>;
  readonly stored: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly losses: readonly string[];
}

export interface ModelCentre {
  /** Takes one body, as it is sent. */
  take(body: Uint8Array, isPacked: boolean): ModelAnswer;
  readonly kept: Kept;
  restore(kept: Kept): void;
  /** Every batch that was read, the newest last. */
  readonly batches: readonly Batch[];
  /** More events than these at once are too many; any number by default. */
  mostEvents: number;
  /** Events that are too large even alone. */
  readonly tooLarge: Set<string>;
  /** Events that are refused. */
  readonly poison: Set<string>;
}

export function createModelCentre(): ModelCentre {
  let kept: Kept = { acked: new Map(), stored: new Set(), refused: new Set(), losses: [] };
  const batches: Batch[] = [];
  const [tooLarge, poison] = [new Set<string>(), new Set<string>()];
  const centre: ModelCentre = {
    take(body, isPacked) {
      assert.ok(body.length <= largestSentBytes, "it was sent more bytes than may be");
      const text = isPacked ? gunzipSync(body) : Buffer.from(body);
      assert.ok(text.length <= largestInflatedBytes, "it inflates to more than may be");
      const batch = parseBatch(parseJson(text.toString("utf8")));
      batches.push(batch);
      return takeBatch(batch);
    },
    get kept() {
      return kept;
    },
    restore(earlier) {
      kept = earlier;
    },
    batches,
    mostEvents: mostEventsSent,
    tooLarge,
    poison,
  };

  function takeBatch(batch: Batch): ModelAnswer {
    const { stream, after, upto, last, events } = batch;
    const acked = kept.acked.get(stream) ?? 0;
    if (last < acked) return answer(409, { code: "new_stream" });
    if (after > acked) return answer(409, { code: "gap", acked });
    if (events.length > centre.mostEvents || events.some(({ eventId }) => tooLarge.has(eventId ?? "")))
      return answer(413, {});
    const next = { stored: new Set(kept.stored), refused: new Set(kept.refused), known: 0 };
    const refused = [];
    for (const { seq, eventId, read } of events) {
      assert.ok(eventId !== null && !("code" in read), `an event cannot be read: ${JSON.stringify(read)}`);
      if (next.stored.has(eventId)) next.known += 1;
      else if (poison.has(eventId)) {
        refused.push({ seq, event_id: eventId, code: "invalid", error: "it is poison" });
        next.refused.add(eventId);
      } else if (read.kind !== "start" && !next.stored.has(read.startEventId) && !next.refused.has(read.startEventId)) {
        refused.push({ seq, event_id: eventId, code: "no_start", error: "its start is not here" });
        next.refused.add(eventId);
      } else next.stored.add(eventId);
    }
    const stored = next.stored.size - kept.stored.size;
    const losses = batch.lost.map((loss) => JSON.stringify(loss));
    kept = {
      acked: new Map([...kept.acked, [stream, Math.max(acked, upto)]]),
      stored: next.stored,
      refused: next.refused,
      losses: [...kept.losses, ...losses],
    };
    const told = { stream, stored, known: next.known, refused, server_time: "2026-11-24T12:00:00Z", skew_ms: 0 };
    return answer(200, { ...told, acked: Math.max(acked, upto) });
  }
  return centre;
}

export function answer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): ModelAnswer {
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}
