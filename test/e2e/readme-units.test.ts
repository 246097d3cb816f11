/** Proves that systemd understands the units of the README, with this checkout's program in place of the installed one. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSandbox, launcher, root, runToEnd } from "../support/sandbox.ts";

const units = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ini\n(.*?)^```$/gms)]
  .map(([, text = ""]) => text)
  .filter((text) => text.includes("[Service]"));

test("systemd-analyze verify has nothing to say about the units of the README, with their marked lines or without", async (t) => {
  const { folder } = createSandbox(t);
  assert.equal(units.length, 2);
  for (const [index, text] of units.entries()) {
    assert.match(text, /^ExecStart=\/usr\/local\/bin\/session-buddy serve/m);
    const ours = text.replace("/usr/local/bin/session-buddy", launcher);
    for (const [kind, unit] of [
      ["plain", ours],
      ["marked", ours.replaceAll(/^#(?=\w+=)/gm, "")],
    ] as const) {
      const file = join(folder, `${kind}-${index}.service`);
      writeFileSync(file, unit);
      const manager = unit.includes("WantedBy=default.target") ? ["--user"] : [];
      const runtime = join(folder, "runtime");
      mkdirSync(runtime, { recursive: true, mode: 0o700 });
      const env = { PATH: process.env.PATH ?? "", HOME: folder, XDG_RUNTIME_DIR: runtime };
      const { status, stdout, stderr } = await runToEnd("systemd-analyze", [...manager, "verify", file], { env });
      assert.deepEqual([status, stdout, stderr], [0, "", ""], unit);
    }
  }
});
