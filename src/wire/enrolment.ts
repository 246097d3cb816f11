/** Owns the form in which a host asks to be enrolled, or for a new key, and what is answered. Part of the pure core. */
import { isObject } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { isText, maxHostname } from "../tracker/limits.ts";
import { Fields } from "./fields.ts";

/** What a host sends to be let in: `POST /v1/enroll`. */
export interface EnrolRequest {
  readonly invite: string;
  readonly secret: string;
  /** The public part of its key, not read yet. */
  readonly jwk: unknown;
  readonly proof: string;
  /** What it calls itself. */
  readonly hostname: string;
}

/** What it sends to have another key: `POST /v1/rotate`, with a token by the old one. */
export type RotateRequest = Pick<EnrolRequest, "jwk" | "proof">;

/** What both are answered with. */
export interface EnrolAnswer {
  readonly status: "ok";
  readonly error: null;
  readonly origin: string;
  readonly name: string;
  /** Whose sessions are taken; null for everybody's. */
  readonly username: string | null;
  /** RFC 3339. */
  readonly server_time: string;
}

export const enrolFormat = 1;
const longestInvite = 100;
const longestSecret = 1_000;
const longestProof = 4_000;

/** @throws SessionBuddyError `invalid`; what a newer host sends beside it is not looked at */
export function parseEnrolRequest(args: unknown): EnrolRequest {
  const fields = new Fields(args);
  fields.integer("format", enrolFormat, enrolFormat);
  const invite = fields.text("invite", longestInvite);
  const secret = fields.text("secret", longestSecret);
  const proof = fields.text("proof", longestProof);
  const hostname = fields.text("hostname", maxHostname, hostnameIssue);
  fields.throwIssues();
  return { invite, secret, proof, hostname, jwk: isObject(args) ? args.jwk : undefined };
}

/** @throws SessionBuddyError `invalid` */
export function parseRotateRequest(args: unknown): RotateRequest {
  const fields = new Fields(args);
  fields.integer("format", enrolFormat, enrolFormat);
  const proof = fields.text("proof", longestProof);
  fields.throwIssues();
  return { proof, jwk: isObject(args) ? args.jwk : undefined };
}

function hostnameIssue(hostname: string): string | null {
  return hostname === "" ? "hostname: String should have at least 1 character" : null;
}

/** @throws SessionBuddyError `network` when it is no such answer */
export function readEnrolAnswer(answer: unknown): EnrolAnswer {
  if (isObject(answer)) {
    const { origin, name, username, server_time: serverTime } = answer;
    if (isText(origin) && isText(name) && isText(serverTime) && (username === null || isText(username))) {
      return { status: "ok", error: null, origin, name, username, server_time: serverTime };
    }
  }
  throw new SessionBuddyError("network", "what answers there is no record of session-buddy that takes hosts");
}
