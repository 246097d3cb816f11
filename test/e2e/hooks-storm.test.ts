/** Proves that nothing is lost when shells of all kinds end in all ways at once on a busy machine; HOOK_STORM sets how many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import type { Terminal } from "../support/shells/pty.ts";
import { assertRecord, createUsedSandbox, openShell, shellKinds, told } from "../support/shells/shells.ts";
import { startHogs, storm } from "./hooks-storm.ts";

const crowd = 45;
const shellsPerKind = Number(process.env.HOOK_STORM || 12);

test(`a storm of ${shellsPerKind} shells of each kind is on record, each once and as it ended`, async (t) => {
  startHogs(t);
  // Nobody has made a folder: the first shells do.
  assert.deepEqual(await storm({ t, sandbox: createSandbox(t) }, shellsPerKind), []);
});

test(`${crowd} shells of each kind opened at once where there is no folder are on record as they ended`, async (t) => {
  assert.deepEqual(await storm({ t, sandbox: createSandbox(t) }, crowd, crowd * shellKinds.length), []);
});

const endings: readonly [
  name: string,
  end: (terminal: Terminal) => Promise<void> | void,
  bash: [number | null, string],
][] = [
  ["are left", (terminal) => terminal.type("exit 1\r"), [1, "exit"]],
  ["are closed", (terminal) => terminal.close(), [null, "hangup"]],
  ["are closed over a command", closeOverCommand, [null, "hangup"]],
];
const rounds = 4;

for (const [name, end, [code, reason]] of endings) {
  test(`row 29: the couriers of shells that ${name} survive them on a busy machine`, async (t) => {
    startHogs(t);
    const sandbox = createUsedSandbox(t);
    const kinds = Array.from({ length: rounds }, () => shellKinds).flat();
    await Promise.all(
      kinds.map(async (kind) => {
        const terminal = await openShell(t, sandbox, kind);
        await end(terminal);
        await terminal.ended();
      }),
    );
    const isLeft = reason === "exit";
    // Nobody but the couriers brings these ends on record.
    await assertRecord(
      sandbox,
      kinds.map((kind) => told(kind, code, isLeft && kind === "fish" ? null : reason)),
    );
  });
}

async function closeOverCommand(terminal: Terminal): Promise<void> {
  terminal.type("sh -c 'echo bu''sy; sleep 600'\r");
  await terminal.find("busy\r\n");
  terminal.close();
}
