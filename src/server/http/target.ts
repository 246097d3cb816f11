/** Owns the forms in which a request names what it asks for (RFC 9112, section 3.2). */
import type { IncomingMessage } from "node:http";

export interface Target {
  /** Host and port that were asked for, in the target and in the header Host; undefined where none is named. */
  readonly authorities: readonly (string | undefined)[];
  readonly path: string;
  /** Without its question mark; empty when there is none. */
  readonly query: string;
}

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;

/** A client that names one host in the target and another in the header breaks the RFC: both count. */
export function targetOf({ url = "", headers }: IncomingMessage): Target {
  const [, authority, rest = url] = absoluteForm.exec(url) ?? [];
  const [path = "", query = ""] = rest.split("?", 2);
  return { authorities: authority === undefined ? [headers.host] : [authority, headers.host], path, query };
}

/**
 * @param publicUrl - as whom others know this server, where that is set; else it is what the request says
 * @returns scheme, name and port that a request was sent to; empty where it names none that can be
 */
export function audienceOf({ headers, socket }: IncomingMessage, publicUrl: string | null): string {
  const scheme = "encrypted" in socket ? "https" : "http";
  const url = publicUrl ?? `${scheme}://${headers.host ?? ""}`;
  return URL.canParse(url) ? new URL(url).origin : "";
}
