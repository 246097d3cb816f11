/** Owns the rows of the log of events as this store reads them. */
import type { SessionEvent } from "../../tracker/event.ts";
import { rowToEvent } from "../rows.ts";
import { fromText, type Row } from "./rows.ts";

/** @param row - with event_id, session_id, kind and body */
export function toEvent(row: Row): SessionEvent {
  return rowToEvent({ ...row, session_id: fromText(row.session_id as string) });
}

/** Other texts are the id of no event, and the column takes none of them. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
