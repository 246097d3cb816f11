/** Owns what an event of the log did to its session, by what was known before it. Every store asks it. */
import type { LoggedChange } from "../tracker/store.ts";

/** What a store reads of one event. */
export interface ChangeRow {
  readonly seq: number;
  readonly kind: string;
  /** What a death is proven by; null for other kinds. */
  readonly proof: string | null;
  readonly componentName: string;
  readonly shellType: string;
  /** Of the session as it is now. */
  readonly durationMs: number | null;
  /** The strongest of what came before the event: 0 a start, 1 a proof of death, 2 an end; null for nothing. */
  readonly known: number | null;
}

export function toChange({ seq, kind, proof, componentName, shellType, durationMs, known }: ChangeRow): LoggedChange {
  const change = changeOf(kind, proof, known);
  const isLengthNew = change === "ended" || change === "raised";
  return { seq, change, componentName, shellType, durationMs: isLengthNew ? durationMs : null };
}

/** An end after an end changes how well it is known, and no count. */
function changeOf(kind: string, proof: string | null, known: number | null): LoggedChange["change"] {
  if (kind === "start") return known === null ? "started" : "none";
  if (kind === "death") {
    if (known !== 0) return "none";
    return proof === "executable_replaced" ? "replaced" : "orphaned";
  }
  if (known === 2) return "none";
  return known === 1 ? "raised" : "ended";
}
