import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import { driveBoth, runLine, shellKinds } from "../support/shells.ts";

for (const kind of shellKinds)
  for (let i = 0; i < 3; i++)
    test(`try ${kind} ${i}`, async (t) => {
      const sandbox = createSandbox(t);
      const seen = await driveBoth(t, sandbox, kind, {}, async (terminal) => {
        await runLine(terminal, "echo one two | cat");
        await runLine(terminal, "sleep 0.01 &");
        terminal.type("exit 7\r");
      });
      console.log(JSON.stringify(seen));
    });
