/** Proves with real logins by ssh and PAM who is behind a shell: sudo -i, sudo su -, su -, doas, nested shells, a tmux of two logins. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import type { SessionRow } from "../support/rows.ts";
import { createSandbox, launcher } from "../support/sandbox.ts";
import { createLoginHost, type LoginHost, untilRecorded } from "../support/shells/logins.ts";
import type { Terminal } from "../support/shells/pty.ts";
import { runLine } from "../support/shells/shells.ts";

const prompt = "sb> ";

/** Opens another shell from the one that has the terminal. */
async function enter(terminal: Terminal, line: string): Promise<void> {
  terminal.type(`${line}\r`);
  await terminal.find(`${line}\r\n`);
  await terminal.find(prompt);
}

/** What the system itself says of the shell that has the terminal. */
async function systemsWord(host: LoginHost, terminal: Terminal) {
  const [tty, loginUid, session, uid] = (
    await host.read(terminal, "echo $(tty) $(cat /proc/$$/loginuid) $(cat /proc/$$/sessionid) $(id -u)")
  ).split(" ");
  return {
    tty: tty?.replace("/dev/", ""),
    login_uid: Number(loginUid),
    audit_session: Number(session),
    uid: Number(uid),
  };
}

const of = ({ tty, login_uid, audit_session, uid }: SessionRow) => ({ tty, login_uid, audit_session, uid });

test("whoever somebody becomes by sudo -i, sudo su -, su - or doas, the record has who logged in", async (t) => {
  const host = await createLoginHost(t, createSandbox(t), ["alice", "bob"]);
  const terminal = await host.login("alice");
  const first = await host.rowOf(terminal);
  const seen = await systemsWord(host, terminal);
  assert.deepEqual(of(first), seen);
  assert.deepEqual([first.username, first.login_user, first.uid], ["alice", "alice", host.uidOf("alice")]);
  assert.deepEqual([first.via, first.parent_session, first.remote, first.multiplexer], [null, null, null, null]);

  const ways: readonly (readonly [line: string, user: string, via: string | null])[] = [
    ["bash", "alice", null],
    ["sudo -i", "root", "sudo:alice"],
    ["sudo su -", "root", null],
    ["su - bob", "bob", null],
    ["doas -s", "root", "doas:alice"],
  ];
  for (const [line, user, via] of ways) {
    await enter(terminal, line);
    const row = await host.rowOf(terminal);
    assert.deepEqual(of(row), await systemsWord(host, terminal), line);
    assert.deepEqual(
      [row.username, row.uid, row.login_uid, row.login_user, row.audit_session],
      [user, host.uidOf(user), host.uidOf("alice"), "alice", first.audit_session],
      line,
    );
    assert.equal(row.via, via, line);
    // Each user has a record of their own: the shell around is on record in alice's alone.
    assert.equal(row.parent_session, user === "alice" ? first.session_id : null, line);
    terminal.type("exit\r");
    await terminal.find("exit\r\n");
    await terminal.find(prompt);
  }
  assert.equal((await host.rowOf(terminal)).session_id, first.session_id);
});

test("a root shell in a root shell is below it, and both are of who logged in", async (t) => {
  const host = await createLoginHost(t, createSandbox(t), ["alice"]);
  const terminal = await host.login("alice");
  await enter(terminal, "sudo -i");
  const outer = await host.rowOf(terminal);
  await enter(terminal, "bash");
  const inner = await host.rowOf(terminal);
  assert.deepEqual([inner.parent_session, inner.login_user, inner.via], [outer.session_id, "alice", "sudo:alice"]);
});

test("two logins have sessions of their own, and where they come from only if that is to be recorded", async (t) => {
  const host = await createLoginHost(t, createSandbox(t), ["alice", "bob"], { SESSION_BUDDY_REMOTE: "yes" });
  const rows: SessionRow[] = [];
  for (const user of ["alice", "bob"]) {
    const terminal = await host.login(user);
    const row = await host.rowOf(terminal);
    const [address, port] = (await host.read(terminal, "echo $SSH_CONNECTION")).split(" ");
    assert.equal(row.remote, `${address} ${port}`);
    assert.equal(address, "127.0.0.1");
    await enter(terminal, "sudo -i");
    // sudo leaves nothing of it, and root's record has not seen the login.
    assert.equal(await host.read(terminal, "echo $SSH_CONNECTION"), "");
    assert.deepEqual([(await host.rowOf(terminal)).remote, (await host.rowOf(terminal)).login_user], [null, user]);
    rows.push(row);
  }
  assert.notEqual(rows[0]?.audit_session, rows[1]?.audit_session);
});

test("a pane that a second login opened is of the login that its tmux was started in", async (t) => {
  const host = await createLoginHost(t, createSandbox(t), ["alice"], { SESSION_BUDDY_REMOTE: "yes" });
  const one = await host.login("alice");
  const first = await host.rowOf(one);
  const two = await host.login("alice");
  const second = await host.rowOf(two);
  assert.notEqual(first.remote, second.remote);
  const tmux = `tmux -f /dev/null -S ${join(host.folder, "alice/tmux")}`;
  await runLine(one, `${tmux} new-session -d -s main -x 80 -y 24 bash`);
  const server = Number(await host.read(one, `${tmux} display-message -p '#{pid}'`));
  t.after(() => killServer(server));
  // Whoever attaches changes the environment of the panes that come after it.
  two.type(`${tmux} attach -t main\r`);
  await eventually(async () => assert.match(await host.read(one, `${tmux} list-clients`), /pts/));
  await runLine(one, `${tmux} new-window -d -t main: -n pane bash`);
  const inPane = async (line: string) => {
    const path = join(host.folder, "out", line.replaceAll(/\W/g, ""));
    await runLine(one, `${tmux} send-keys -t main:pane '${line} > ${path}; echo done >> ${path}' Enter`);
    return eventually(() => {
      const text = readFileSync(path, "utf8");
      assert.match(text, /done\n$/);
      return text.replace(/done\n$/, "").trim();
    });
  };
  await inPane(untilRecorded);
  const [address, port] = (await inPane("echo $SSH_CONNECTION")).split(" ");
  assert.equal(`${address} ${port}`, second.remote, "what the pane's environment says");
  const own = await eventually(async () => {
    const rows: SessionRow[] = JSON.parse(await host.read(one, `${launcher} list --json`));
    const row = rows.find(({ multiplexer }) => String(multiplexer).endsWith(":%1"));
    assert.ok(row !== undefined, JSON.stringify(rows));
    return row;
  });
  assert.equal(own.multiplexer, `tmux:${join(host.folder, "alice/tmux")}:%1`);
  assert.deepEqual([own.login_user, own.audit_session], ["alice", first.audit_session]);
  assert.equal(own.remote, first.remote);
  assert.equal(own.parent_session, null);
});

/** Its socket is gone by then. */
function killServer(pid: number): void {
  try {
    if (readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("tmux")) process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
