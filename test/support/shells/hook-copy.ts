/** A copy of the hooks beside a program of the test's own, as if that had been installed. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { root } from "../sandbox.ts";
import { hookFile, type ShellKind } from "./shells.ts";

export interface HookCopy {
  hookFile(kind: ShellKind): string;
  /** The arguments of every call of the program so far, when it is one of {@link markingProgram}. */
  calls(): readonly string[];
  /** Removes the hooks and the program, as an uninstallation does. */
  remove(): void;
}

/** A program that notes its calls and does nothing else, after which `then` is run. */
export function markingProgram(then = "exit 0"): string {
  return `#!/bin/sh\necho "$*" >>"\${0%/*}/../calls"\n${then}\n`;
}

/** A program that never ends; it is killed when the test is done. */
export const hangingProgram = markingProgram(`echo $$ >>"\${0%/*}/../pids"; exec sleep 1000`);

/** @param program - the text of the program; null for none */
export function copyHooks(t: TestContext, program: string | null): HookCopy {
  const folder = mkdtempSync(join(tmpdir(), "session-buddy-test-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "shell-hooks"));
  for (const name of readdirSync(join(root, "shell-hooks"))) {
    copyFileSync(join(root, "shell-hooks", name), join(folder, "shell-hooks", name));
  }
  if (program !== null) {
    writeFileSync(join(folder, "bin/session-buddy"), program);
    chmodSync(join(folder, "bin/session-buddy"), 0o755);
  }
  t.after(() => {
    for (const pid of lines(join(folder, "pids"))) killQuietly(Number(pid));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    hookFile: (kind) => hookFile(kind, join(folder, "shell-hooks")),
    calls: () => lines(join(folder, "calls")),
    remove() {
      rmSync(join(folder, "bin"), { recursive: true });
      rmSync(join(folder, "shell-hooks"), { recursive: true });
    },
  };
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
