/** Owns asking another record to let this one in, or to take another key of it: one request, and what its answer means. */
import type { SecureAnswer, SecureClient } from "../host/secure-client.ts";
import { isObject, parseJson } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type EnrolAnswer, readEnrolAnswer } from "../wire/enrolment.ts";

const deadlineMs = 30_000;

/** A refusal, with what the other record said of it. */
class Refused extends SessionBuddyError {
  readonly refusal: string;
  /** Its clock, in milliseconds; null where it did not tell. */
  readonly clockMs: number | null;

  constructor(refusal: string, words: string, clockMs: number | null) {
    super("auth.invalid", words);
    this.refusal = refusal;
    this.clockMs = clockMs;
  }
}

/** Whether the other record does not know the key of a token. */
export function isUnknownHost(error: unknown): boolean {
  return error instanceof Refused && error.refusal === "unknown_host";
}

/** A host whose clock is wrong goes by that of the other record, for this alone. */
export async function clockedBySender(ask: (nowMs: number) => Promise<EnrolAnswer>): Promise<EnrolAnswer> {
  try {
    return await ask(Date.now());
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal !== "clock" || error.clockMs === null) throw error;
    return ask(error.clockMs);
  }
}

/**
 * Sends one request of a host, and reads what it is answered with.
 *
 * @param tokenFor - what goes with a body; null for nothing
 * @throws SessionBuddyError `network`, or `auth.invalid` when it is refused
 */
export async function post(
  client: SecureClient,
  path: string,
  content: object,
  tokenFor: (body: string) => string | null,
): Promise<EnrolAnswer> {
  const body = JSON.stringify(content);
  const token = tokenFor(body);
  const headers = {
    "Content-Type": "application/json",
    ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
  };
  const answer = await client.send({ path, method: "POST", headers, body, deadlineMs });
  const read = jsonIn(answer);
  if (answer.status === 200) return readEnrolAnswer(read);
  throw refusedBy(answer, read);
}

function jsonIn({ body }: SecureAnswer): unknown {
  try {
    return parseJson(body.toString("utf8"));
  } catch {
    return null;
  }
}

const longestSentence = 500;

function refusedBy({ status, headers }: SecureAnswer, read: unknown): SessionBuddyError {
  const { code, error } = isObject(read) ? read : {};
  if (typeof code !== "string" || typeof error !== "string") {
    const words = status === 404 ? "takes no hosts; it may be of an earlier version" : `answers with status ${status}`;
    return new SessionBuddyError("network", `the other record ${words}`);
  }
  const clockMs = Date.parse(headers.date ?? "");
  // Another program may have written it: it is shortened here, and escaped where it is printed.
  return new Refused(code, `the other record refuses: ${error.slice(0, longestSentence)}`, clockMs || null);
}
