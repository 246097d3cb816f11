/** Owns the opaque text that says where a page of sessions ended. Part of the pure core; every room may import it. */
import { SessionBuddyError } from "../tracker/errors.ts";
import { type Instant, parseTimestamp } from "../tracker/instant.ts";
import type { PagePosition } from "../tracker/store.ts";

const form = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z) ([\x21-\x7e]{1,200}) [0-9a-f]{8}$/;

/**
 * Names the last row of a page and not a number of rows, so that sessions that come meanwhile move nothing.
 * The checksum tells a text that was altered on its way; it is not a secret, because whoever may ask for a page may ask for any.
 *
 * @returns letters, digits, `-` and `_` alone (RFC 4648 section 5, without padding)
 */
export function toCursor({ startedAt, sessionId }: PagePosition): string {
  const position = `${startedAt} ${sessionId}`;
  return btoa(`${position} ${checksum(position)}`)
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @throws SessionBuddyError `invalid` when the text is not a cursor made by {@link toCursor} */
export function parseCursor(text: string): PagePosition {
  const [, startedAt = "", sessionId = ""] = form.exec(decoded(text)) ?? [];
  const position = { startedAt: startedAt as Instant, sessionId };
  if (parseTimestamp(startedAt) !== null && toCursor(position) === text) return position;
  throw new SessionBuddyError("invalid", "cursor: Input should be a cursor that a page gave");
}

function decoded(text: string): string {
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "";
  }
}

/** FNV-1a of 32 bits over ASCII text (RFC 9923). @returns 8 hex digits */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
