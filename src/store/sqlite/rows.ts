/** Owns the one mapping between events and sessions and their rows. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { canonicalJson, type Json, parseJson } from "../../tracker/canonical.ts";
import type { Observation, ProcessIdentity, SessionEvent } from "../../tracker/event.ts";
import type { Session } from "../../tracker/fold.ts";
import { sessionColumns, sessionValues } from "../columns.ts";
import { spanClassOf } from "./spans.ts";

export type Row = Record<string, SQLOutputValue>;

/** What the indexes need beside the fields, made from them. */
const names = [...sessionColumns, "span_class"];

/** Writes a session over what was there. */
export const putSessionSql = `INSERT OR REPLACE INTO sessions (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;

/** @returns the values for {@link putSessionSql}. */
export function sessionToValues(session: Session): SQLInputValue[] {
  return [...sessionValues(session), spanClassOf(session)];
}

/** @returns event id, session id, kind and body, in the order of the columns of `events`. */
export function eventToValues(event: SessionEvent): SQLInputValue[] {
  const body = { content: event.content, observed: event.observed } as unknown as Json;
  return [event.eventId, event.sessionId, event.kind, canonicalJson(body)];
}

/** As bodies lie in the file: events that were recorded before sources were have none. */
interface KeptBody extends Pick<SessionEvent, "content"> {
  readonly observed: Omit<Observation, "source"> & Partial<Pick<Observation, "source">>;
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
    },
  } as SessionEvent;
}

/** Events of earlier versions lack the fields that came later: what was not looked at is unknown. */
function withEveryField(process: ProcessIdentity | null): ProcessIdentity | null {
  return process === null ? null : { ...process, exeId: process.exeId ?? null, comm: process.comm ?? null };
}
