/** Owns `POST /v1/import`: who may send sessions of their own record, how much, and the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LocalCaller, TakeOver } from "../../app/take-over.ts";
import type { Gate } from "../../auth/gate.ts";
import { type Log, logFailure } from "../../log.ts";
import { failureCodeOf, questionError } from "../../wire/result.ts";
import { readJson } from "../http/body.ts";
import { createLimit } from "../http/limits.ts";
import { sendAnswer, sendRefusal, sendWait, statusOf } from "../http/respond.ts";

/** @param onRefused - told when the gate refuses */
export type ImportEntrance = (
  request: IncomingMessage,
  response: ServerResponse,
  asked: { readonly token: string; readonly onRefused: () => void },
) => Promise<void>;

/** A day's worth of one user: at the most 200,000 sessions, or 1 GiB. */
const requestsPerDay = 4_000;
const secondsPerDay = 86_400;

/** @param most - requests of one user in a day */
export function createImportEntrance(takeOver: TakeOver, gate: Gate, log: Log, most = requestsPerDay): ImportEntrance {
  const requests = createLimit(most, secondsPerDay);
  return async (request, response, { token, onRefused }) => {
    try {
      const caller = await gate(token);
      if (!isLocal(caller)) {
        return sendRefusal(response, 403, "Only who has logged in over the socket of the service imports a record");
      }
      const waitSeconds = await requests.take(`uid ${caller.localUid}`);
      if (waitSeconds !== null) return sendWait(response, 429, waitSeconds, "Too much was imported today");
      const body = await readJson(request);
      if (body === null) return;
      if (body.refusal !== null) return sendRefusal(response, body.refusal.status, body.refusal.message);
      sendAnswer(response, 200, { status: "ok", error: null, sessions: await takeOver.take(caller, body.value) });
    } catch (error) {
      const failure = failureCodeOf(error);
      if (failure.startsWith("auth.")) onRefused();
      logFailure(log, "Import failed", error);
      sendRefusal(response, statusOf(failure), questionError(error));
    }
  };
}

function isLocal(caller: Awaited<ReturnType<Gate>>): caller is typeof caller & LocalCaller {
  return caller.localUid !== undefined;
}
