/** Owns how a session gets its id (contract section 4). Part of the pure core. */
import type { NewStart } from "./event.ts";
import type { StoreTransaction } from "./store.ts";

const suffixStep = 4;

const form = /^(.+)-\d{8}-\d{6}(?:-(?:[0-9a-f]{4}){1,8})?$/;

/** @returns the component in a session id, on record or not; null when the text has not the form of one */
export function componentNameIn(sessionId: string): string | null {
  return form.exec(sessionId)?.[1] ?? null;
}

/**
 * The ids a start may get, in the order they are tried: `{component}-{YYYYMMDD-HHMMSS}` in UTC, then the same with
 * the first 4, 8, 12 … hex digits of its event id. The last one is unique because event ids are.
 */
export function* sessionIdCandidates(start: NewStart): Generator<string, void> {
  const { componentName, timestamp } = start.content;
  const date = timestamp.slice(0, 10).replaceAll("-", "");
  const time = timestamp.slice(11, 19).replaceAll(":", "");
  const base = `${componentName}-${date}-${time}`;
  yield base;

  const digits = start.eventId.replaceAll("-", "");
  for (let length = suffixStep; length <= digits.length; length += suffixStep) {
    yield `${base}-${digits.slice(0, length)}`;
  }
}

/** @returns the first of some candidates that is, and was, nobody's; the last one of {@link sessionIdCandidates} always is */
export async function firstFree(
  tx: Pick<StoreTransaction, "isSessionIdTaken">,
  candidates: Iterable<string>,
): Promise<string> {
  let last = "";
  for (const candidate of candidates) {
    if (!(await tx.isSessionIdTaken(candidate))) return candidate;
    last = candidate;
  }
  throw new Error(`no session id is free, up to ${last}`);
}
