/**
 * Owns what both stores ask of their tables about delivery: the same statements in the same order, which each runs in its
 * own way. Loaded where a record delivers.
 */
import type {
  Addressee,
  Backlog,
  Delivery,
  DeliveryChange,
  DeliveryLease,
  LossReason,
  LostEvents,
  RefusedEvent,
} from "../tracker/outbox.ts";

export type Row = Readonly<Record<string, unknown>>;

/** A statement with `?` for each value, and for nothing else. */
export interface Asked {
  readonly sql: string;
  readonly values: readonly (string | number | null)[];
}

/** Statements one after the other, each given the rows of the one before; those of one that writes run alone, as a transaction. */
export type Procedure<T> = Generator<Asked, T, readonly Row[]>;

/** @param run - runs one statement at once */
export function runNow<T>(procedure: Procedure<T>, run: (asked: Asked) => readonly Row[]): T {
  let step = procedure.next();
  while (!step.done) step = procedure.next(run(step.value));
  return step.value;
}

/** @param run - runs one statement on a server */
export async function runThere<T>(procedure: Procedure<T>, run: (asked: Asked) => Promise<readonly Row[]>): Promise<T> {
  let step = procedure.next();
  while (!step.done) step = procedure.next(await run(step.value));
  return step.value;
}

/** @returns a statement with its values */
export function ask(sql: string, ...values: readonly (string | number | null)[]): Asked {
  return { sql, values };
}

/** How often it is kept which position was acknowledged when, in milliseconds. */
const markIntervalMs = 6 * 3_600_000;

const columns = {
  stream: "stream",
  sent: "sent",
  acked: "acked",
  tries: "tries",
  tried_at: "triedAtMs",
  next_at: "nextAtMs",
  last_ok_at: "lastOkAtMs",
  last_error: "lastError",
  clock_offset: "clockOffsetMs",
} as const satisfies Readonly<Record<string, keyof Delivery & keyof DeliveryChange>>;
const changed = Object.entries(columns);
const read = ["name", "url", "origin", "lease_id", ...Object.keys(columns)].join(", ");

function toDelivery(row: Row): Delivery {
  const fields: Record<string, unknown> = {
    name: row.name,
    url: row.url,
    origin: row.origin,
    leasedBy: row.lease_id,
  };
  for (const [column, field] of changed) fields[field] = row[column];
  return fields as unknown as Delivery;
}

export function* deliveries(): Procedure<Delivery[]> {
  return (yield ask(`SELECT ${read} FROM deliveries ORDER BY name`)).map(toDelivery);
}

function* placeOf(name: string, leaseId: string): Procedure<Delivery | null> {
  const [row] = yield ask(`SELECT ${read} FROM deliveries WHERE name = ? AND lease_id = ?`, name, leaseId);
  return row === undefined ? null : toDelivery(row);
}

export function* leaseDelivery(
  { name, url, origin }: Addressee,
  stream: string,
  { id, abandoned = null, nowMs, untilMs }: DeliveryLease,
): Procedure<Delivery | null> {
  const [known] = yield ask("SELECT url, origin FROM deliveries WHERE name = ?", name);
  if (known !== undefined && (known.url !== url || known.origin !== origin)) yield* forget(name);
  yield ask(
    `INSERT INTO deliveries (name, url, origin, stream, sent, acked, tries, clock_offset, kept_after)
     VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0) ON CONFLICT (name) DO NOTHING`,
    ...[name, url, origin, stream],
  );
  yield ask(
    `UPDATE deliveries SET lease_id = ?, leased_at = ?, leased_until = ?
     WHERE name = ? AND (lease_id IS NULL OR lease_id = ? OR leased_until <= ? OR leased_at > ?)`,
    ...[id, nowMs, untilMs, name, abandoned, nowMs, nowMs],
  );
  return yield* placeOf(name, id);
}

export function* settleDelivery(name: string, leaseId: string, change: DeliveryChange): Procedure<Delivery | null> {
  const before = yield* placeOf(name, leaseId);
  if (before === null) return null;
  const after: Delivery = { ...before, leasedBy: change.leaseUntilMs === null ? null : leaseId };
  for (const [, field] of changed) if (change[field] !== undefined) Object.assign(after, { [field]: change[field] });
  const { nowMs, leaseUntilMs } = change;
  yield ask(
    `UPDATE deliveries SET ${changed.map(([column]) => `${column} = ?`).join(", ")}, lease_id = ?, leased_at = ?, leased_until = ? WHERE name = ?`,
    ...changed.map(([, field]) => after[field]),
    ...(leaseUntilMs === null ? [null, null, null] : [leaseId, nowMs, leaseUntilMs]),
    name,
  );
  for (const event of change.refused ?? []) yield* refuse(name, event, nowMs);
  for (const from of change.toldLosses ?? [])
    yield ask("UPDATE lost_events SET told = 1 WHERE name = ? AND from_seq = ?", name, from);
  if (after.sent < before.sent || after.stream !== before.stream) yield* goBack(name, after.sent);
  if (change.lastOkAtMs !== undefined && change.lastOkAtMs !== null) yield* mark(after, change.lastOkAtMs);
  return after;
}

function* refuse(name: string, { seq, eventId, code, error }: RefusedEvent, nowMs: number): Procedure<void> {
  yield ask(
    `INSERT INTO refused_events (name, event_id, seq, code, error, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (name, event_id) DO NOTHING`,
    ...[name, eventId, seq, code, error, nowMs],
  );
}

/** What the other record does not have any more is told and sent again. */
function* goBack(name: string, sent: number): Procedure<void> {
  yield ask("UPDATE lost_events SET told = 0 WHERE name = ? AND to_seq > ?", name, sent);
  yield ask("DELETE FROM delivery_marks WHERE name = ? AND acked > ?", name, sent);
}

/** Keeps, every now and then, how far it had got. */
function* mark({ name, sent }: Delivery, atMs: number): Procedure<void> {
  const [recent] = yield ask(
    "SELECT 1 FROM delivery_marks WHERE name = ? AND at > ? AND at <= ? LIMIT 1",
    ...[name, atMs - markIntervalMs, atMs],
  );
  if (recent !== undefined) return;
  yield ask(
    "INSERT INTO delivery_marks (name, at, acked) VALUES (?, ?, ?) ON CONFLICT (name, at) DO NOTHING",
    ...[name, atMs, sent],
  );
}

export function* keepDeliveries(names: readonly string[]): Procedure<void> {
  const known = yield ask("SELECT name FROM deliveries");
  for (const { name } of known) if (!names.includes(String(name))) yield* forget(String(name));
}

function* forget(name: string): Procedure<void> {
  for (const table of ["deliveries", "delivery_marks", "refused_events", "lost_events"])
    yield ask(`DELETE FROM ${table} WHERE name = ?`, name);
}

export function* refusedEvents(name: string, limit: number): Procedure<RefusedEvent[]> {
  const rows = yield ask(
    "SELECT seq, event_id, code, error FROM refused_events WHERE name = ? ORDER BY seq DESC, event_id LIMIT ?",
    ...[name, limit],
  );
  return rows.map((row) => ({
    seq: row.seq as number,
    eventId: row.event_id as string,
    code: row.code as string,
    error: row.error as string,
  }));
}

export function* untoldLosses(name: string, limit: number): Procedure<LostEvents[]> {
  const rows = yield ask(
    "SELECT from_seq, to_seq, events, why, at FROM lost_events WHERE name = ? AND told = 0 ORDER BY from_seq LIMIT ?",
    ...[name, limit],
  );
  return rows.map((row) => ({
    from: row.from_seq as number,
    to: row.to_seq as number,
    events: row.events as number,
    why: row.why as LossReason,
    atMs: row.at as number,
  }));
}

export function* backlog(name: string): Procedure<Backlog> {
  const [row] = yield ask(
    `SELECT (SELECT count(*) FROM events WHERE seq > coalesce((SELECT sent FROM deliveries WHERE name = ?), 0)) AS events,
       (SELECT count(*) FROM refused_events WHERE name = ?) AS refused,
       (SELECT coalesce(sum(events), 0) FROM lost_events WHERE name = ?) AS lost`,
    ...[name, name, name],
  );
  return { events: Number(row?.events), refused: Number(row?.refused), lost: Number(row?.lost) };
}
