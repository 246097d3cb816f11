/** `session-buddy end`: records that a shell closed. */
import { createShells, type Shells } from "../../capture/shells.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { toJsonRow } from "../../wire/view.ts";
import { deliverInPassing, noSession, withApp } from "../context.ts";
import type { EndOptions } from "../syntax/record.ts";
import { printJson } from "../terminal/print.ts";

export async function run(sessionId: string | undefined, options: EndOptions): Promise<void> {
  if ((sessionId === undefined) === (options.stateFile === undefined)) {
    throw new SessionBuddyError(
      "usage",
      "end needs either a session id or --state-file; 'session-buddy list' shows the ids",
    );
  }
  await withApp(async (app) => {
    const id = await recordEnd(createShells(app), sessionId, options);
    // Read for who prints it alone: every shell's end comes through here.
    const session = options.json ? await app.store.session(id) : null;
    if (session !== null) printJson(toJsonRow(session));
    // After the answer, and where nobody waits for the end of this program.
    if (options.stateFile !== undefined) await deliverInPassing(app);
  });
}

async function recordEnd(shells: Shells, sessionId: string | undefined, options: EndOptions): Promise<string> {
  const end = { exitCode: options.exitCode ?? null, reason: options.reason ?? null };
  if (options.stateFile !== undefined) return (await shells.endFromFile(options.stateFile, end)).sessionId;
  const id = sessionId ?? "";
  if ((await shells.end(id, end, options.force ?? false)) === "not_found") {
    throw noSession(id);
  }
  return id;
}
