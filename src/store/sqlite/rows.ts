/** Owns the one mapping between events and sessions and their rows. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { canonicalJson, type Json, parseJson } from "../../tracker/canonical.ts";
import type { Observation, ProcessIdentity, SessionEvent } from "../../tracker/event.ts";
import type { Session } from "../../tracker/fold.ts";
import { sessionColumns, sessionValues } from "../columns.ts";
import { spanClassOf } from "./spans.ts";

export type Row = Record<string, SQLOutputValue>;

/** The columns of a session, and what the indexes need beside them, made from them. */
export const sessionNames: readonly string[] = [...sessionColumns, "span_class"];

/** Writes a session over what was there. */
export const putSessionSql = putSql(sessionNames);

/** @returns the statement that writes these columns of a session */
export function putSql(names: readonly string[]): string {
  return `INSERT OR REPLACE INTO sessions (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
}

/** @returns the values for {@link putSessionSql}, in the order of {@link sessionNames} */
export function sessionToValues(session: Session): SQLInputValue[] {
  return [...sessionValues(session), spanClassOf(session)];
}

/** @returns event id, session id, kind and body, in the order of the columns of `events`. */
export function eventToValues(event: SessionEvent): SQLInputValue[] {
  const { circumstances, ...others } = event.observed;
  const observed = circumstances === null ? others : event.observed;
  const body = { content: event.content, observed } as unknown as Json;
  return [event.eventId, event.sessionId, event.kind, canonicalJson(body)];
}

/** What events of earlier versions have not. */
type Later = "source" | "circumstances";

/** As bodies lie in the file; most events have no circumstances, and nothing is written for them. */
interface KeptBody extends Pick<SessionEvent, "content"> {
  readonly observed: Omit<Observation, Later> & Partial<Pick<Observation, Later>>;
}

export function rowToEvent(row: Row): SessionEvent {
  const body = parseJson(row.body as string) as unknown as KeptBody;
  return {
    kind: row.kind,
    eventId: row.event_id,
    sessionId: row.session_id,
    content: body.content,
    observed: {
      ...body.observed,
      source: body.observed.source ?? null,
      process: withEveryField(body.observed.process),
      circumstances: body.observed.circumstances ?? null,
    },
  } as SessionEvent;
}

/** Events of earlier versions lack the fields that came later: what was not looked at is unknown. */
function withEveryField(process: ProcessIdentity | null): ProcessIdentity | null {
  return process === null ? null : { ...process, exeId: process.exeId ?? null, comm: process.comm ?? null };
}
