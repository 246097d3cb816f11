/** Owns what the log's events did to their sessions, found without reading what they say. */
import type { LoggedChange } from "../../tracker/store.ts";
import type { Prepare } from "./ranges.ts";
import type { Row } from "./rows.ts";

/** `known` is the strongest of what came before the event: 0 a start, 1 a proof of death, 2 an end; null for nothing. */
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
    .map((row) => {
      const change = changeOf(row);
      const isLengthNew = change === "ended" || change === "raised";
      return {
        seq: row.seq as number,
        change,
        componentName: row.component_name as string,
        shellType: row.shell_type as string,
        durationMs: isLengthNew ? (row.duration_ms as number | null) : null,
      };
    });
}

/** An end after an end changes how well it is known, and no count. */
function changeOf({ kind, known, proof }: Row): LoggedChange["change"] {
  if (kind === "start") return known === null ? "started" : "none";
  if (kind === "death") {
    if (known !== 0) return "none";
    return proof === "executable_replaced" ? "replaced" : "orphaned";
  }
  if (known === 2) return "none";
  return known === 1 ? "raised" : "ended";
}
