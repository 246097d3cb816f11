/** `session-buddy start`: records that a shell opened. */
import { createReconcile } from "../../capture/reconcile.ts";
import { createShells, type ShellStart, type Shells } from "../../capture/shells.ts";
import { requireDirectory } from "../../capture/typed.ts";
import { surroundings, workingDirectory } from "../../config/environment.ts";
import type { Session } from "../../tracker/fold.ts";
import { toJsonRow } from "../../wire/view.ts";
import { deliverInPassing, withApp } from "../context.ts";
import type { StartOptions } from "../syntax/record.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";

export async function run(options: StartOptions): Promise<void> {
  const shell = {
    component: options.component,
    shellType: options.shellType,
    pid: options.pid ?? process.ppid,
    cwd: options.cwd ?? workingDirectory(process.env),
    metadata: options.metadata ?? null,
    claims: surroundings(process.env),
  };
  const { stateFile } = options;
  // Where the caller itself is may be gone meanwhile, and is a fact all the same.
  if (stateFile === undefined && options.cwd !== undefined) await requireDirectory(options.cwd);
  await withApp(async (app) => {
    const shells = createShells(app);
    const session = await (stateFile === undefined
      ? startTyped(shells, shell)
      : shells.startFromFile(stateFile, options.written ? { claims: shell.claims } : shell));
    if (session !== null && options.json) printJson(toJsonRow(session));
    else if (session !== null) printLine(session.sessionId);
    // After the answer, which must not wait for it.
    await createReconcile(app, shells).inPassing();
    // Who types it waits for its end.
    if (stateFile !== undefined) await deliverInPassing(app);
  });
}

async function startTyped(shells: Shells, shell: ShellStart): Promise<Session> {
  const { session, isKnown } = await shells.start(shell);
  if (isKnown) printMessage(`session-buddy: this shell is already on record: ${session.sessionId}\n`);
  return session;
}
