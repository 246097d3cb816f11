/** Proves that the hooks work in every environment a shell may wake up in, and leave none of it changed. */
import assert from "node:assert/strict";
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, type SessionRow } from "../support/rows.ts";
import { launcher, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import type { Terminal } from "../support/shells/pty.ts";
import { each, testShells } from "../support/shells/shell-cases.ts";
import {
  assertRecord,
  createHome,
  createUsedSandbox,
  driveBoth,
  hookFile,
  runLine,
  type ShellKind,
  shellKinds,
  told,
} from "../support/shells/shells.ts";

const reason = (kind: ShellKind) => (kind === "fish" ? null : "exit");
const leave = (terminal: Terminal) => terminal.type("exit 3\r");
const ended = each(shellKinds, (kind) => [told(kind, 3, reason(kind))]);
const unset = (kind: ShellKind, name: string) => (kind === "fish" ? `set -e ${name}` : `unset ${name}`);

/** Folders below the sandbox that XDG_STATE_HOME names. */
const stateHomes = [
  "state",
  "a state with spaces",
  "new\nline",
  `it's "quoted" $HOME \`x\``,
  "-e",
  "ünï/cödé",
  "*[a]?",
];

/** What a prompt or a hook of another tool would hold. */
const dumps: Readonly<Record<ShellKind, readonly string[]>> = {
  bash: ["declare -p PROMPT_COMMAND PS0 PS1 PS2 PS4 IFS", "trap -p DEBUG ERR RETURN INT HUP", "set -o; shopt"],
  zsh: [
    "typeset -p precmd_functions preexec_functions chpwd_functions periodic_functions PS1 PS2 IFS",
    "trap",
    "setopt",
  ],
  fish: ["functions fish_prompt", "functions --handlers-type variable", "set -S fish_greeting"],
};

describe("environment", { concurrency: 4 }, () => {
  testShells([
    {
      title: "row 40: without PATH the shell is on record",
      plan: (kind) => ({ before: unset(kind, "PATH") }),
      drive: leave,
      record: ended,
    },
    {
      title: "row 40: a login shell whose profile sets PATH anew is on record",
      plan: (kind) => ({
        args: ["-l"],
        before: kind === "fish" ? "set -gx PATH /nonexistent/bin" : "PATH=/nonexistent/bin",
      }),
      drive: leave,
      record: each(shellKinds, (kind) => [told(kind, 3, { bash: "exit", zsh: "logout", fish: null }[kind])]),
    },
    {
      title: "row 40: a function or a program in PATH that is called node is not run",
      plan: (kind) => ({
        before:
          kind === "fish" ? "function node; echo lazy; end" : "node() { echo lazy; }; session-buddy() { echo lazy; }",
      }),
      drive: leave,
      record: ended,
    },
    {
      title: "row 42: commands get the same environment as without the hook",
      async drive(terminal) {
        await runLine(terminal, "env | sort");
        leave(terminal);
      },
      record: ended,
    },
    {
      title: "row 42: under `set -a` commands get the same environment as without the hook",
      plan: (kind) => ({ before: kind === "bash" ? "set -a" : "setopt all_export" }),
      async drive(terminal) {
        await runLine(terminal, "env | sort");
        leave(terminal);
      },
      record: each(["bash", "zsh"], (kind) => [told(kind, 3, "exit")]),
    },
    {
      title: "row 43: prompts, traps, options and the hooks of other tools are byte for byte as without the hook",
      plan: (kind) => ({
        before: { bash: "PROMPT_COMMAND=(true); PS0=zero", zsh: "precmd_functions=(true)", fish: "" }[kind],
      }),
      async drive(terminal, kind) {
        for (const line of dumps[kind]) await runLine(terminal, line);
        leave(terminal);
      },
      record: ended,
    },
    {
      title: "row 46: an rc file whose input and output are elsewhere, as in an instant prompt, is no hindrance",
      plan: (kind) => ({
        before: kind === "fish" ? "" : "exec 7<&0 8>&1 </dev/null >instant 2>&1",
        after: kind === "fish" ? "" : "exec <&7 >&8 2>&8 7<&- 8>&-",
      }),
      drive: leave,
      record: each(["bash", "zsh"], (kind) => [told(kind, 3, "exit")]),
    },
  ]);

  for (const kind of shellKinds) {
    for (const name of stateHomes) {
      test(`row 39: XDG_STATE_HOME ${JSON.stringify(name)} is used as it is (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const state = join(sandbox.folder, name);
        mkdirSync(join(state, "session-buddy/shells"), { recursive: true, mode: 0o700 });
        const env = { SESSION_BUDDY_HOME: "", XDG_STATE_HOME: state, XDG_DATA_HOME: join(sandbox.folder, "data") };
        await driveBoth(t, sandbox, kind, { env }, leave);
        await eventually(async () => assert.deepEqual((await rowsIn(sandbox, env)).map(toEnd), [[kind, 3]]));
      });
    }

    for (const [name, value] of [
      ["relative", "state"],
      ["empty", ""],
    ] as const) {
      test(`row 39: XDG_STATE_HOME that is ${name} is passed over, as its specification says (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const home = join(sandbox.folder, "elsewhere");
        mkdirSync(join(home, ".local/state/session-buddy/shells"), { recursive: true, mode: 0o700 });
        const setHome = kind === "fish" ? `set -gx HOME ${home}` : `export HOME=${home}`;
        const env = { SESSION_BUDDY_HOME: undefined, XDG_STATE_HOME: value };
        await driveBoth(t, sandbox, kind, { env, before: setHome }, leave);
        const own = { SESSION_BUDDY_HOME: "", XDG_STATE_HOME: value, HOME: home };
        await eventually(async () => assert.deepEqual((await rowsIn(sandbox, own)).map(toEnd), [[kind, 3]]));
      });
    }

    for (const lines of [unset(kind, "HOME"), kind === "fish" ? "set -gx HOME $HOME/none" : "HOME=$HOME/none"]) {
      test(`row 39: \`${lines}\` is not noticed (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const env = { SESSION_BUDDY_HOME: undefined, XDG_DATA_HOME: join(sandbox.folder, "data") };
        const plan = { env, before: lines };
        assert.deepEqual((await driveBoth(t, sandbox, kind, plan, leave)).ending, { code: 3, signal: 0 });
      });
    }

    test(`row 39: directories that are deleted or no UTF-8 do not hinder the record (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      for (const directory of ["gone-$$", "$d"]) {
        const isGone = directory !== "$d";
        const enter = `d=$(printf '\\377x'); mkdir -p "${directory}"; cd "${directory}"; ${isGone ? `rmdir "../${directory}"` : ":"}; exec "$0"`;
        await driveBoth(t, sandbox, kind, { under: ["sh", "-c", enter] }, leave);
      }
      await assertRecord(sandbox, [told(kind, 3, reason(kind)), told(kind, 3, reason(kind))]);
      assert.ok((await allRows(sandbox)).some((row) => String(row.cwd).includes("xff")));
    });

    test(`row 47: an interactive shell without a terminal is on record and silent (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const runPiped = async (hook: boolean) => {
        const env = createHome(sandbox, kind, { hook });
        const line = `printf 'echo said\\nexit 3\\n' | ${kind} -i; exit $?`;
        const { status, stdout, stderr } = await runToEnd("sh", ["-c", line], { env, cwd: sandbox.folder });
        return { status, stdout, stderr: stderr.replaceAll(/\d+/g, "N") };
      };
      const seen = await runPiped(true);
      assert.deepEqual(seen, await runPiped(false));
      assert.match(seen.stdout, /said/);
      // Where there is no terminal, a terminal that is gone cannot be told from one that never was.
      const rows = await eventually(async () => {
        const found = await allRows(sandbox);
        // fish shows no prompt there, and its hook waits for one.
        const expected = kind === "fish" ? [] : [[kind, "ended"]];
        assert.deepEqual(
          found.map((row) => [row.shell_type, row.state]),
          expected,
        );
        return found;
      });
      assert.ok(rows.every((row) => row.exit_code === 3 || row.exit_code === null));
    });
  }

  test("row 51: without /proc, setsid and a clock among its builtins, bash is on record with its end", async (t) => {
    const sandbox = createUsedSandbox(t);
    const hide = 'mount -t tmpfs none /proc && mount --bind /dev/null /usr/bin/setsid && exec "$0"';
    const plan = { under: ["unshare", "-rm", "sh", "-c", hide], before: "unset EPOCHREALTIME EPOCHSECONDS BASHPID" };
    await driveBoth(t, sandbox, "bash", plan, leave);
    await assertRecord(sandbox, [told("bash", 3, "exit")]);
  });

  test("row 51: zsh without /proc and setsid is on record with its end", async (t) => {
    const sandbox = createUsedSandbox(t);
    const hide = 'mount -t tmpfs none /proc && mount --bind /dev/null /usr/bin/setsid && exec "$0"';
    await driveBoth(t, sandbox, "zsh", { under: ["unshare", "-rm", "sh", "-c", hide] }, leave);
    await assertRecord(sandbox, [told("zsh", 3, null)]);
  });

  test("row 51: the bash hook as bash 3.2 runs it, without any clock, takes the times of the file", async (t) => {
    const sandbox = createUsedSandbox(t);
    const copy = join(sandbox.folder, "copy");
    cpSync(join(root, "shell-hooks"), join(copy, "shell-hooks"), { recursive: true });
    mkdirSync(join(copy, "bin"));
    symlinkSync(launcher, join(copy, "bin/session-buddy"));
    for (const name of globSync("*.bash", { cwd: join(copy, "shell-hooks") })) {
      const path = join(copy, "shell-hooks", name);
      writeFileSync(path, readFileSync(path, "utf8").replaceAll("BASH_VERSINFO[", "old_version["));
    }
    const before = "old_version=(3 2); unset EPOCHREALTIME EPOCHSECONDS BASHPID";
    const plan = { hookFile: hookFile("bash", join(copy, "shell-hooks")), before };
    await driveBoth(t, sandbox, "bash", plan, leave);
    const [row] = await assertRecord(sandbox, [told("bash", 3, "exit")]);
    assert.ok(Number(row?.duration_ms) >= 0);
    assert.ok(Math.abs(Date.parse(String(row?.started_at)) - Date.now()) < 3_600_000);
  });
});

async function rowsIn(sandbox: Sandbox, env: Readonly<Record<string, string>>): Promise<readonly SessionRow[]> {
  return JSON.parse((await sandbox.run(["list", "--all", "--json"], { env })).stdout);
}

function toEnd(row: SessionRow): unknown[] {
  return [row.shell_type, row.exit_code];
}
