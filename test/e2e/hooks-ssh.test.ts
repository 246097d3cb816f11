/** Proves that files and commands go through ssh as without the hook, and that a login that breaks off is on record. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runToEnd, type Sandbox } from "../support/sandbox.ts";
import { copyHooks, hangingProgram } from "../support/shells/hook-copy.ts";
import { openTerminal } from "../support/shells/pty.ts";
import {
  assertRecord,
  createUsedSandbox,
  open,
  type ShellKind,
  shellKinds,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";
import { createSshHost, type SshHost } from "./sshd.ts";

const silence = { status: 0, signal: null, stdout: "", stderr: "" };

/** Ways to bring `source` to `target` on the host. */
const transfers: Readonly<Record<string, (host: SshHost, source: string, target: string) => readonly string[]>> = {
  scp: ({ options }, source, target) => ["scp", "-q", ...options, source, `root@host:${target}`],
  "scp -O": ({ options }, source, target) => ["scp", "-q", "-O", ...options, source, `root@host:${target}`],
  sftp: ({ options }, source, target) => [
    ...["sh", "-c", 'from=$1 to=$2; shift 2; echo "@put $from $to" | sftp -q -b - "$@" root@host', "sh"],
    ...[source, target, ...options],
  ],
  rsync: ({ options }, source, target) => ["rsync", "-e", quoted(["ssh", ...options]), source, `root@host:${target}`],
};

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

async function login(t: Parameters<typeof openTerminal>[0], sandbox: Sandbox, kind: ShellKind) {
  const { options, env } = createSshHost(sandbox, kind);
  const client = openTerminal(t, "ssh", ["-tt", ...options, "root@host"], { env, cwd: sandbox.folder });
  await client.find("sb> ");
  const [row] = await assertRecord(sandbox, [open(kind)]);
  return { client, shell: Number(row?.pid) };
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

describe("ssh", { concurrency: 4 }, () => {
  for (const kind of shellKinds) {
    test(`row 8: commands and files go through ssh unharmed, and are no sessions (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const host = createSshHost(sandbox, kind);
      const run = ([program = "", ...args]: readonly string[]) => runToEnd(program, args, { env: host.env });
      assert.deepEqual(await run(["ssh", ...host.options, "root@host", "echo said"]), { ...silence, stdout: "said\n" });
      const source = join(sandbox.folder, "source");
      writeFileSync(source, "content");
      for (const [name, command] of Object.entries(transfers)) {
        const target = join(sandbox.folder, `target of ${name}`.replaceAll(" ", "-"));
        assert.deepEqual(await run(command(host, source, target)), silence, name);
        assert.equal(readFileSync(target, "utf8"), "content");
      }
      assert.deepEqual(stateFileNames(sandbox), []);
      await assertRecord(sandbox, []);
    });

    test(`row 9: an interactive command through ssh does not wait for a program that hangs (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const hook = copyHooks(t, hangingProgram).hookFile(kind);
      const { options, env } = createSshHost(sandbox, kind, { hookFile: hook });
      for (const line of [`${kind} -ic :`, `echo exit | ${kind} -i`]) {
        const outcome = await runToEnd("ssh", ["-T", ...options, "root@host", line], { env });
        assert.equal(outcome.status, 0, outcome.stderr);
      }
    });

    test(`row 23: a client that is killed is a hangup (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const { client } = await login(t, sandbox, kind);
      process.kill(client.pid, "SIGKILL");
      await assertRecord(sandbox, [told(kind, null, "hangup")]);
    });

    test(`row 23: a server process that is killed is a hangup (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const { shell } = await login(t, sandbox, kind);
      process.kill(parentOf(shell), "SIGKILL");
      await assertRecord(sandbox, [told(kind, null, "hangup")]);
    });
  }
});
