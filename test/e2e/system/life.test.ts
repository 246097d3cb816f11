/** Proves by a whole machine, from its installation to its removal, that everybody's shells are on record as they were, and that who asks sees what is theirs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createTestMachine, differences, type TestMachine } from "../../support/installed-machine.ts";
import { startUnit } from "../../support/installed-service.ts";
import type { SessionRow } from "../../support/rows.ts";
import { root } from "../../support/sandbox.ts";
import { createPeople, type MachinePerson } from "../../support/shells/machine-logins.ts";
import type { Terminal } from "../../support/shells/pty.ts";
import { runUntil, type ShellKind } from "../../support/shells/shells.ts";

type People = Readonly<Record<"root" | "ann" | "ben" | "cas", MachinePerson>>;

const readme = readFileSync(join(root, "README.md"), "utf8");
/** What the README tells administrators to run. */
const forAdministrators = [...readme.matchAll(/^sudo (?:bin\/)?session-buddy (?:un)?install --system.*$/gm)].map(
  ([line]) => line,
);

/** Makes a machine with people who may use sudo, or may not. */
async function createPeopledMachine(t: Parameters<typeof createTestMachine>[0]) {
  const machine = await createTestMachine(t);
  const people = await createPeople(t, machine, { ann: "bash", ben: "zsh", cas: "fish" });
  const sudoers = ["Defaults env_reset, !lecture", "root ALL=(ALL:ALL) ALL", "ann ALL=(ALL:ALL) NOPASSWD: ALL"];
  await machine.shell(`printf '%s\\n' '${sudoers.join("' '")}' > /etc/sudoers; chmod 440 /etc/sudoers`);
  return { machine, people };
}

/** Runs a line of the README in the folder of the program, and holds it to success without a word on standard error. */
async function administer(machine: TestMachine, line: string | undefined): Promise<string> {
  const command = `cd '${machine.folder}/program'; ${line}`;
  const { status, stdout, stderr } = await machine.run(["sh", "-euc", command]);
  assert.deepEqual([status, stderr], [0, ""], `${line}\n${stdout}`);
  return stdout;
}

async function ask(person: MachinePerson, ...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await person.run(["session-buddy", ...words]);
  assert.deepEqual([status, stderr], [0, ""], `${person.name}: ${words.join(" ")}\n${stdout}`);
  return stdout;
}

/** @returns the sessions that a person sees, newest first */
async function rowsFor(person: MachinePerson, ...words: readonly string[]): Promise<readonly SessionRow[]> {
  return JSON.parse(await ask(person, ...words, "--json"));
}

/** Opens another shell from the one that has the terminal. */
async function enter(terminal: Terminal, line: string): Promise<void> {
  await runUntil(terminal, line, line);
}

/** @returns the session of the shell that has the terminal, as root sees it */
async function sessionAt(people: People, terminal: Terminal, kind: ShellKind): Promise<SessionRow> {
  await runUntil(terminal, `echo p''id=${kind === "fish" ? "$fish_pid" : "$$"}.`, /pid=\d+\./);
  const pid = Number([...terminal.output().matchAll(/pid=(\d+)\./g)].at(-1)?.[1]);
  return eventually(async () => {
    const found = (await rowsFor(people.root, "who")).filter((row) => row.pid === pid);
    assert.equal(found.length, 1);
    return found[0] as SessionRow;
  });
}

const ofPerson = ({ login_user, username, shell_type, cwd }: SessionRow) => [login_user, username, shell_type, cwd];

test("from the README's first line to its last, everybody's shells are on record as they were", async (t) => {
  const { machine, people } = await createPeopledMachine(t);
  const before = machine.tree();
  const [dryRun, install, dryRemoval, removal] = forAdministrators;
  await administer(machine, dryRun);
  assert.deepEqual(differences(before, machine.tree()), []);
  await administer(machine, install);
  const service = await startUnit(t, machine);

  const open = await openAll(people);
  await everybodySeesTheirOwn(people, open);
  await endAll(people, open);
  await serviceMayDie(people, service);
  await readsWell(people);
  assert.equal(service.log().match(/level=(?:warn|error)/g), null, service.log());

  const early = await machine.run(["session-buddy", "uninstall", "--system", "--purge"]);
  assert.deepEqual([early.status, /service: .* still runs/.test(early.stderr)], [1, true], early.stderr);
  assert.ok((await rowsFor(people.root, "last")).length > 0, "the record is not taken from a service that writes");
  await service.stop();
  // As it is left where systemd does not run.
  await machine.shell("install -d -o session-buddy -g session-buddy /run/session-buddy");
  await administer(machine, dryRemoval);
  await administer(machine, removal);
  const left = differences(before, machine.tree()).filter((line) => !/ (?:\/home\/|\/run\/sudo)/.test(line));
  assert.deepEqual(left, []);
  const after = await people.ann.login();
  after.type("exit 4\r");
  assert.deepEqual(await after.ended(), { code: 4, signal: 0 });
});

interface Opened {
  readonly terminal: Terminal;
  readonly row: SessionRow;
}

type Open = Awaited<ReturnType<typeof openAll>>;

/** Logs everybody in with nothing but the startup files of the machine, and opens shells in shells. */
async function openAll(people: People) {
  const openAt = async (terminal: Terminal, kind: ShellKind): Promise<Opened> => ({
    terminal,
    row: await sessionAt(people, terminal, kind),
  });
  const ann = await openAt(await people.ann.login(), "bash");
  const ben = await openAt(await people.ben.login(), "zsh");
  const cas = await openAt(await people.cas.login(), "fish");
  const admin = await openAt(await people.ann.login(), "bash");
  await enter(admin.terminal, "sudo -i");
  const become = await openAt(admin.terminal, "bash");
  const nestedTerminal = await people.ben.login();
  const outer = await openAt(nestedTerminal, "zsh");
  await enter(nestedTerminal, "bash");
  const middle = await openAt(nestedTerminal, "bash");
  await enter(nestedTerminal, "fish");
  const inner = await openAt(nestedTerminal, "fish");
  const zshOfRoot = await openAt(await people.root.login("zsh"), "zsh");
  const fishOfRoot = await openAt(await people.root.login("fish"), "fish");
  return { ann, ben, cas, admin, become, outer, middle, inner, zshOfRoot, fishOfRoot };
}

async function everybodySeesTheirOwn(people: People, open: Open): Promise<void> {
  const all = Object.values(open).map(({ row }) => row);
  assert.deepEqual(all.map(ofPerson), [
    ["ann", "ann", "bash", "/home/ann"],
    ["ben", "ben", "zsh", "/home/ben"],
    ["cas", "cas", "fish", "/home/cas"],
    ["ann", "ann", "bash", "/home/ann"],
    ["ann", "root", "bash", "/home/root"],
    ["ben", "ben", "zsh", "/home/ben"],
    ["ben", "ben", "bash", "/home/ben"],
    ["ben", "ben", "fish", "/home/ben"],
    ["root", "root", "zsh", "/home/root"],
    ["root", "root", "fish", "/home/root"],
  ]);
  assert.deepEqual(
    [open.become, open.middle, open.inner].map(({ row }) => row.parent_session),
    [open.admin, open.outer, open.middle].map(({ row }) => row.session_id),
  );
  assert.equal(open.become.row.via, "sudo:ann");
  assert.ok(all.every(({ tty, idle_ms }) => /^pts\/\d+$/.test(String(tty)) && typeof idle_ms === "number"));

  const idsOf = (rows: readonly SessionRow[]) => rows.map(({ session_id }) => String(session_id)).sort();
  for (const person of Object.values(people)) {
    const own = person.name === "root" ? all : all.filter(({ username }) => username === person.name);
    assert.deepEqual(idsOf(await rowsFor(person, "who")), idsOf(own), person.name);
    assert.deepEqual(idsOf(await rowsFor(person, "last")), idsOf(own), person.name);
  }
  const stranger = await people.cas.run(["session-buddy", "why", String(open.ben.row.session_id)]);
  assert.equal(stranger.status, 1, "what is of others is as if it were not on record");
  const nested = [
    `\`-${open.become.row.session_id}`,
    `\`-${open.middle.row.session_id}`,
    `  \`-${open.inner.row.session_id}`,
  ];
  assert.deepEqual(await treeOf(people.root), nested.sort());
}

/** @returns the nested sessions that `list --tree` draws, with their branches */
async function treeOf(person: MachinePerson): Promise<readonly string[]> {
  const lines = (await ask(person, "list", "--tree")).split("\n");
  return lines.flatMap((line) => /^ *`-\S+/.exec(line) ?? []).sort();
}

/** Ends every shell in another way. */
async function endAll(people: People, open: Open): Promise<void> {
  open.ann.terminal.type("exit 7\r");
  process.kill(open.ben.terminal.pid, "SIGKILL");
  open.cas.terminal.close();
  open.become.terminal.type("exec sleep 600\r");
  await open.become.terminal.find("sleep 600");
  open.inner.terminal.close();
  await runUntil(open.zshOfRoot.terminal, "exec zsh", "exec zsh");
  open.fishOfRoot.terminal.type("exit 3\r");
  const expected: readonly (readonly [Opened, ...(string | number | null)[]])[] = [
    [open.ann, "ended", "exit", 7],
    [open.ben, "orphaned", "pid_gone", null],
    [open.cas, "ended", "hangup", null],
    [open.admin, "active", null, null],
    [open.become, "replaced", "executable_replaced", null],
    [open.outer, "ended", "hangup", null],
    [open.middle, "ended", "hangup", null],
    [open.inner, "ended", "hangup", null],
    [open.zshOfRoot, "replaced", "executable_replaced", null],
    [open.fishOfRoot, "ended", null, 3],
  ];
  await eventually(async () => {
    const rows = new Map((await rowsFor(people.root, "last")).map((row) => [row.session_id, row]));
    assert.deepEqual(
      expected.map(
        ([
          {
            row: { session_id },
          },
        ]) => {
          const { state, end_reason, exit_code } = rows.get(session_id) ?? {};
          return [session_id, state, end_reason, exit_code];
        },
      ),
      expected.map(
        ([
          {
            row: { session_id },
          },
          ...end
        ]) => [session_id, ...end],
      ),
    );
    assert.equal(rows.size, expected.length + 1, "and the shell that took the place of one");
  });
}

/** Shells that are opened and ended while the service is dead, or over its death, are on record when it is back. */
async function serviceMayDie(people: People, service: Awaited<ReturnType<typeof startUnit>>): Promise<void> {
  const over = await people.ann.login("fish");
  await sessionAt(people, over, "fish");
  await service.stop("SIGKILL");
  const unanswered = await people.ben.run(["session-buddy", "who"]);
  assert.equal(unanswered.status, 5, unanswered.stderr);
  over.type("exit 11\r");
  await over.ended();
  const within = await people.ben.login("bash");
  within.type("exit 12\r");
  await within.ended();
  const killed = await people.cas.login("zsh");
  process.kill(killed.pid, "SIGKILL");
  await killed.ended();
  const still = await people.cas.login("zsh");
  await service.start();
  await sessionAt(people, still, "zsh");
  const newest = (await rowsFor(people.root, "last"))
    .slice(0, 4)
    .map((row) => [row.username, row.shell_type, row.state, row.exit_code]);
  assert.deepEqual(newest, [
    ["cas", "zsh", "active", null],
    ["cas", "zsh", "orphaned", null],
    ["ben", "bash", "ended", 12],
    ["ann", "fish", "ended", 11],
  ]);
  still.close();
}

/** What people read, rather than programs. */
async function readsWell(people: People): Promise<void> {
  const who = await ask(people.root, "who");
  assert.match(
    who,
    /^LOGIN +USER +TTY +FROM +SINCE +IDLE +DIRECTORY +HOST +SESSION\n(?:.*\n)*ann +ann +pts\/\d+ +- +\S+ +<1m +\/home\/ann /,
  );
  assert.match(await ask(people.root, "last"), /^ann +root +pts\/\d+ .* \/home\/root /m);
  const [killed] = (await rowsFor(people.ben, "last")).filter(({ state }) => state === "orphaned");
  const why = await ask(people.ben, "why", String(killed?.session_id));
  assert.match(why, /^state +orphaned, /m);
  assert.match(why, /^owner +user id \d+, by its state file; verified: /m);
  for (const person of [people.root, people.ben]) {
    const findings: { check: string; level: string; words: string }[] = JSON.parse(
      await ask(person, "doctor", "--json"),
    );
    assert.deepEqual(
      findings.filter(({ level }) => level !== "ok"),
      [],
    );
    assert.equal(findings.filter(({ check }) => /^(?:machine|hook) /.test(check)).length, 6);
  }
}
