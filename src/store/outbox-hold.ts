/** Owns what is kept against pruning because it may have to be delivered, and what goes all the same, for both stores. */
import type { HoldRule, LossReason } from "../tracker/outbox.ts";
import { type Asked, ask, type Procedure } from "./outbox.ts";

export function* holdEvents({ ackedBeforeMs, oldPosition, mostBytes }: HoldRule): Procedure<void> {
  const places = yield ask("SELECT name, sent, last_ok_at FROM deliveries");
  for (const place of places) {
    const [name, sent] = [String(place.name), place.sent as number];
    const full = yield* fullPosition(sent, mostBytes);
    const given = Math.max(full, oldPosition);
    const why: LossReason | null = given <= sent ? null : full >= oldPosition ? "disk_cap" : "age";
    const acked = isBefore(place.last_ok_at, ackedBeforeMs) ? sent : yield* ackedPosition(name, ackedBeforeMs);
    yield ask(
      "UPDATE deliveries SET kept_after = ?, loss_reason = ? WHERE name = ?",
      ...[why === null ? acked : given, why, name],
    );
  }
}

function isBefore(atMs: unknown, beforeMs: number): boolean {
  return typeof atMs === "number" && atMs <= beforeMs;
}

/** The newest position that need not be kept, because what comes after it alone is as much as may wait; 0 for none. */
function* fullPosition(sent: number, mostBytes: number): Procedure<number> {
  const [all] = yield ask("SELECT sum(length(body)) AS bytes FROM events WHERE seq > ?", sent);
  if (Number(all?.bytes ?? 0) <= mostBytes) return 0;
  const [row] = yield ask(
    `SELECT max(seq) AS seq FROM (
       SELECT seq, sum(length(body)) OVER (ORDER BY seq DESC) AS bytes FROM events WHERE seq > ?
     ) AS waiting WHERE bytes > ?`,
    ...[sent, mostBytes],
  );
  return Number(row?.seq ?? 0);
}

/** The newest position that was acknowledged long enough ago; what is known of earlier ones is of no use after it. */
function* ackedPosition(name: string, beforeMs: number): Procedure<number> {
  const [row] = yield ask(
    "SELECT acked, at FROM delivery_marks WHERE name = ? AND at <= ? ORDER BY acked DESC, at DESC LIMIT 1",
    ...[name, beforeMs],
  );
  if (row === undefined) return 0;
  yield ask("DELETE FROM delivery_marks WHERE name = ? AND at < ?", name, row.at as number);
  return row.acked as number;
}

/** What keeps a store from removing what may have to be sent. */
export interface Hold {
  /** Sessions with an event behind this position stay. */
  readonly keptAfter: number;
  readonly places: readonly { readonly name: string; readonly sent: number; readonly why: LossReason }[];
}

/** @returns null where nothing is delivered */
export function* hold(): Procedure<Hold | null> {
  const rows = yield ask("SELECT name, sent, kept_after, loss_reason FROM deliveries");
  if (rows.length === 0) return null;
  return {
    keptAfter: Math.min(...rows.map((row) => row.kept_after as number)),
    places: rows.map((row) => ({
      name: String(row.name),
      sent: row.sent as number,
      why: (row.loss_reason ?? "age") as LossReason,
    })),
  };
}

/** @param positions - of the events of this record's own sessions that are removed in this transaction */
export function* noteLosses({ places }: Hold, positions: readonly number[], atMs: number): Procedure<void> {
  for (const { name, sent, why } of places) {
    const lost = positions.filter((seq) => seq > sent).sort((a, b) => a - b);
    const [from, to] = [lost[0], lost.at(-1)];
    if (from === undefined || to === undefined) continue;
    yield ask(
      "INSERT INTO lost_events (name, from_seq, to_seq, events, why, at, told) VALUES (?, ?, ?, ?, ?, ?, 0)",
      ...[name, from, to, lost.length, why, atMs],
    );
  }
}

/** What sessions that are held have, beside an end that is old enough: a condition about `sessions s`. What others delivered is not sent. */
export const heldSql =
  "s.origin_id IS NULL AND EXISTS (SELECT 1 FROM events e WHERE e.session_id = s.session_id AND e.seq > ?)";

/** @param isOld - a condition about `sessions s` */
export function* countHeld(isOld: Asked): Procedure<number> {
  const held = yield* hold();
  if (held === null) return 0;
  const sql = `SELECT count(*) AS n FROM sessions s WHERE ${isOld.sql} AND ${heldSql}`;
  const [row] = yield ask(sql, ...isOld.values, held.keptAfter);
  return Number(row?.n);
}
