/** Owns `POST /v1/enroll` and `POST /v1/rotate`: their bodies, and the HTTP status of each answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Enrolment, EnrolRefusal } from "../../app/enrolment.ts";
import { HostRefused } from "../../auth/host-gate.ts";
import { type Log, logFailure } from "../../log.ts";
import { failureCodeOf, questionError } from "../../wire/result.ts";
import { type BodyRefusal, jsonOf, readBytes } from "../http/body.ts";
import { addressOf } from "../http/caller.ts";
import { sendAnswer, statusOf } from "../http/respond.ts";
import { audienceOf } from "../http/target.ts";

/** @param onRefused - told when a secret, a proof or a token is refused */
export type EnrolmentEntrance = (
  name: "enroll" | "rotate",
  request: IncomingMessage,
  response: ServerResponse,
  asked: { readonly token: string; readonly onRefused: () => void },
) => Promise<void>;

/** @param publicUrl - as whom hosts know this server; null for what each request says */
export function createEnrolmentEntrance(enrolment: Enrolment, publicUrl: string | null, log: Log): EnrolmentEntrance {
  return async (name, request, response, { token, onRefused }) => {
    const sent = await readSent(request);
    if (sent === null) return;
    if (sent.refusal !== null) return sendCode(response, sent.refusal.status, "invalid", sent.refusal.message);
    const { value, bytes } = sent;
    const from = { audience: audienceOf(request, publicUrl), address: addressOf(request) };
    try {
      const answer =
        name === "enroll"
          ? await enrolment.enrol(value, from)
          : await enrolment.rotate(value, { token, body: bytes }, from);
      sendAnswer(response, 200, answer);
    } catch (error) {
      const { status, code, words } = meaningOf(error);
      if (error instanceof EnrolRefusal || error instanceof HostRefused) onRefused();
      else logFailure(log, "Enrolment failed", error);
      sendCode(response, status, code, words);
    }
  };
}

type Sent =
  | { readonly bytes: Buffer; readonly value: unknown; readonly refusal: null }
  | { readonly refusal: BodyRefusal };

/** A token is for the bytes, and what they say is read once. */
async function readSent(request: IncomingMessage): Promise<Sent | null> {
  const body = await readBytes(request);
  if (body === null || body.refusal !== null) return body;
  const read = jsonOf(body.bytes);
  return read.refusal !== null ? read : { ...read, bytes: body.bytes };
}

function meaningOf(error: unknown): { readonly status: number; readonly code: string; readonly words: string } {
  if (error instanceof HostRefused) {
    return { status: error.code === "revoked" ? 403 : 401, code: error.code, words: error.message };
  }
  const words = questionError(error);
  if (error instanceof EnrolRefusal) {
    return { status: error.refusal === "clock" ? 401 : 403, code: error.refusal, words };
  }
  const failure = failureCodeOf(error);
  return { status: statusOf(failure), code: failure === "invalid" ? "invalid" : "unavailable", words };
}

function sendCode(response: ServerResponse, status: number, code: string, error: string): void {
  sendAnswer(response, status, { status: "error", code, error });
}
