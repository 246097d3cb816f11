/** Owns `POST /v1/login`: its body, how often one user may try, and the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Login } from "../../app/login.ts";
import { type Log, logFailure } from "../../log.ts";
import { isPublicError } from "../../tracker/errors.ts";
import { readJson } from "../http/body.ts";
import { createLimit } from "../http/limits.ts";
import { sendAnswer, sendRefusal, sendWait, statusOf } from "../http/respond.ts";

export type LoginEntrance = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A command logs in once; a prompt that asks one at each line is far below it. */
const triesPerMinute = 600;
const refused = "❌ Authentication failed: The file in the spool does not show who asks";

/**
 * Tries are counted for the owner of the file that they name, so that nobody can use up those of another. A try that names
 * nobody's file costs less than counting it.
 */
export function createLoginEntrance(login: Login, log: Log, most = triesPerMinute): LoginEntrance {
  const tries = createLimit(most, 60);
  return async (request, response) => {
    const body = await readJson(request);
    if (body === null) return;
    if (body.refusal !== null) return sendRefusal(response, body.refusal.status, body.refusal.message);
    try {
      const { uid, loggedIn, refused: why } = await login.logIn(body.value);
      const waitSeconds = uid === null ? null : await tries.take(`uid ${uid}`);
      if (waitSeconds !== null) return sendWait(response, 429, waitSeconds, "Too many logins");
      if (loggedIn !== null) return sendAnswer(response, 200, { status: "ok", error: null, ...loggedIn });
      // Whoever names nobody's file could fill the log.
      if (uid !== null) logFailure(log, "Login refused", why);
      sendRefusal(response, 401, refused);
    } catch (error) {
      if (!isPublicError(error)) throw error;
      sendRefusal(response, statusOf(error.code), error.message);
    }
  };
}
