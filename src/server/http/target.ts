/** Owns the forms in which a request names what it asks for (RFC 9112, section 3.2). */
import type { IncomingMessage } from "node:http";

export interface Target {
  /** Host and port that were asked for; undefined when none was named. */
  readonly authority: string | undefined;
  readonly path: string;
  /** Without its question mark; empty when there is none. */
  readonly query: string;
}

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;

/** A target in absolute form wins over the header Host, as the RFC has it. */
export function targetOf({ url = "", headers }: IncomingMessage): Target {
  const [, authority = headers.host, rest = url] = absoluteForm.exec(url) ?? [];
  const [path = "", query = ""] = rest.split("?", 2);
  return { authority, path, query };
}
