/** Owns reading the log as changes of sessions, without reading what the events say. */
import type { LoggedChange } from "../../tracker/store.ts";
import { toChange } from "../changes.ts";
import type { Prepare } from "./ranges.ts";

const changesSql = `
  SELECT e.seq, e.kind, CASE e.kind WHEN 'death' THEN e.body ->> '$.content.proof' END AS proof, s.component_name, s.shell_type, s.duration_ms, (
    SELECT max(CASE before.kind WHEN 'end' THEN 2 WHEN 'death' THEN 1 ELSE 0 END)
    FROM events AS before WHERE before.session_id = e.session_id AND before.seq < e.seq
  ) AS known
  FROM events AS e CROSS JOIN sessions AS s ON s.session_id = e.session_id
  WHERE e.seq > ? ORDER BY e.seq LIMIT ?`;

export function changesAfter(prepare: Prepare, afterSeq: number, limit: number): LoggedChange[] {
  return prepare(changesSql)
    .all(afterSeq, limit)
    .map((row) =>
      toChange({
        seq: row.seq as number,
        kind: row.kind as string,
        proof: row.proof as string | null,
        componentName: row.component_name as string,
        shellType: row.shell_type as string,
        durationMs: row.duration_ms as number | null,
        known: row.known as number | null,
      }),
    );
}
