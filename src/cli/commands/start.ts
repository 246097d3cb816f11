/** `session-buddy start`: records that a shell opened. */
import { createReconcile } from "../../capture/reconcile.ts";
import { createShells } from "../../capture/shells.ts";
import { workingDirectory } from "../../config/environment.ts";
import { toJsonRow } from "../../wire/view.ts";
import { withApp } from "../context.ts";
import type { StartOptions } from "../syntax/record.ts";
import { printJson, printLine } from "../terminal/print.ts";

export async function run(options: StartOptions): Promise<void> {
  const shell = {
    component: options.component,
    shellType: options.shellType,
    pid: options.pid ?? process.ppid,
    cwd: options.cwd ?? workingDirectory(process.env),
    metadata: options.metadata ?? null,
  };
  const { stateFile } = options;
  await withApp(async (app) => {
    const shells = createShells(app);
    const session = await (stateFile === undefined
      ? shells.start(shell)
      : shells.startFromFile(stateFile, options.written ? null : shell));
    if (session !== null && options.json) printJson(toJsonRow(session));
    else if (session !== null) printLine(session.sessionId);
    // After the answer, which must not wait for it.
    await createReconcile(app, shells).inPassing();
  });
}
