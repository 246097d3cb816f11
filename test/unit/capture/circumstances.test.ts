/** Proves what is kept of what a shell says of its surroundings: what has the right form, and no more than a little of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { claimsIn, claimsOf, keptClaims, ownClaims } from "../../../src/capture/circumstances.ts";
import { parseStateFile } from "../../../src/capture/state-file.ts";
import { surroundings } from "../../../src/config/environment.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { maxClaim } from "../../../src/tracker/limits.ts";
import { anyCodePoint } from "../../support/arbitraries.ts";
import { recordBytes } from "../../support/shells/state-files.ts";

const nothing = {
  tty: null,
  loginUid: null,
  auditSession: null,
  via: null,
  multiplexer: null,
  terminalProgram: null,
  remote: null,
};

test("a shell that says nothing, or says it emptily, claims nothing", () => {
  assert.deepEqual(claimsOf({}), nothing);
  const empty = { tty: "", login_uid: "", audit_session: "", via: "", multiplexer: "", terminal_program: "" };
  assert.deepEqual(claimsOf({ ...empty, remote: "" }), nothing);
});

test("what a shell says is read by the forms of its keys", () => {
  const fields = {
    tty: "34824",
    login_uid: "1000\n",
    audit_session: "17",
    via: "sudo:les",
    terminal_program: "ghostty",
    remote: "2001:db8::1 51413",
  };
  const read = {
    tty: "pts/8",
    loginUid: 1000,
    auditSession: 17,
    via: "sudo:les",
    multiplexer: null,
    terminalProgram: "ghostty",
    remote: "2001:db8::1 51413",
  };
  assert.deepEqual(claimsOf(fields), read);
  const inPane = claimsOf({ ...fields, multiplexer: "tmux:/tmp/tmux-1000/default:%3" });
  assert.deepEqual(inPane, { ...read, multiplexer: "tmux:/tmp/tmux-1000/default:%3", remote: null });
});

test("what has another form is left out", () => {
  for (const tty of ["0", "pts/8", "-", "3e4", " 34824", "99999999999"]) assert.equal(claimsOf({ tty }).tty, null, tty);
  for (const login_uid of ["4294967295", "root", "-1"]) assert.equal(claimsOf({ login_uid }).loginUid, null);
  for (const via of ["les", "su:les", "sudo:", "sudo"]) assert.equal(claimsOf({ via }).via, null, via);
  for (const multiplexer of ["zellij:a", "tmux", "tmux:"]) assert.equal(claimsOf({ multiplexer }).multiplexer, null);
  for (const remote of [
    "UNKNOWN 65535",
    "192.0.2.1",
    "192.0.2.1 51413 192.0.2.2 22",
    "192.0.2.1\n51413",
    "host.example 22",
    "192.0.2.1 ",
    `${"1".repeat(46)} 1`,
  ]) {
    assert.equal(claimsOf({ remote }).remote, null, remote);
  }
  for (const remote of ["192.0.2.1 51413", "::ffff:192.0.2.1 1", "fe80::1%eth0 22"]) {
    assert.equal(claimsOf({ remote }).remote, remote);
  }
});

test("a huge claim is cut, and no code point is torn", () => {
  const cut = claimsOf({ terminal_program: "😀".repeat(1_000_000), via: `sudo:${"x".repeat(60_000)}` });
  assert.equal(cut.terminalProgram, `${"😀".repeat(maxClaim - 1)}…`);
  assert.equal(cut.via, `sudo:${"x".repeat(maxClaim - 6)}…`);
  const whole = "😀".repeat(maxClaim);
  assert.equal(claimsOf({ terminal_program: whole }).terminalProgram, whole);
});

test("whatever a shell says, what is kept is well-formed, short, and of the form of its key", () => {
  const any = fc.oneof(fc.string({ unit: anyCodePoint, maxLength: 600 }), fc.string({ unit: "grapheme" }));
  const fields = fc.record(
    { tty: any, login_uid: any, audit_session: any, via: any, multiplexer: any, terminal_program: any, remote: any },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fields, (said) => {
      for (const value of Object.values(claimsOf(said))) {
        if (typeof value === "string") assert.ok(value.isWellFormed() && [...value].length <= maxClaim && value !== "");
      }
    }),
  );
});

test("bytes that are no text are kept as what they are, each its own", () => {
  const bytes = Buffer.concat([
    Buffer.from("\0start/1\0terminal_program=a"),
    Buffer.from([0xff, 0xfe]),
    Buffer.from("\0.\0"),
  ]);
  const file = parseStateFile(bytes, "/a");
  assert.equal(claimsOf(claimsIn(file, {})).terminalProgram, "a\\xff\\xfe");
});

test("what the file says counts before what was told beside it, also when it says that there is none", () => {
  const file = parseStateFile(
    recordBytes("start/1", { via: "", terminal_program: "file", cwd: "/", tty: "1025" }),
    "/a",
  );
  const others = { via: "sudo:les", terminal_program: "other", multiplexer: "screen:1" };
  assert.deepEqual(claimsIn(file, others), { via: "", terminal_program: "file", tty: "1025", multiplexer: "screen:1" });
  assert.deepEqual(claimsIn({ start: null }, others), others);
});

test("an address is written down only where it may be recorded", () => {
  const claims = { via: "sudo:les", remote: "192.0.2.1 1" };
  assert.deepEqual(keptClaims(claims, { settings: { remote: false } }), { via: "sudo:les" });
  assert.deepEqual(keptClaims(claims, { settings: { remote: true } }), claims);
});

test("the environment of this program tells of the shells around it, and of no other", () => {
  const machine = { processes: createProcProcesses() };
  const claims = { via: "sudo:les" };
  assert.deepEqual(ownClaims({ pid: process.ppid, claims }, machine), claims);
  const [, grandparent = 0] = [process.ppid, machine.processes.parentOf(process.ppid) ?? 0];
  assert.deepEqual(ownClaims({ pid: grandparent, claims }, machine), claims);
  assert.deepEqual(ownClaims({ pid: process.pid, claims }, machine), {});
  assert.deepEqual(ownClaims({ pid: 4_194_303, claims }, machine), {});
});

test("of the environment a few values are read, and of those only what they name", () => {
  const secret = "not-to-be-seen";
  const env = {
    SUDO_USER: "les",
    SUDO_COMMAND: secret,
    SSH_AUTH_SOCK: secret,
    SSH_CONNECTION: `192.0.2.1 51413 ${secret} 22`,
    TMUX: `/tmp/tmux-1000/default,${secret},0`,
    TMUX_PANE: "%3",
    TERM_PROGRAM: "tmux",
    TERM_PROGRAM_VERSION: secret,
    PATH: secret,
  };
  assert.deepEqual(surroundings(env), {
    via: "sudo:les",
    multiplexer: "tmux:/tmp/tmux-1000/default:%3",
    terminal_program: "tmux",
    remote: "192.0.2.1 51413",
  });
  assert.deepEqual(surroundings({ DOAS_USER: "les", STY: "4711.pts-0.web1" }), {
    via: "doas:les",
    multiplexer: "screen:4711.pts-0.web1",
  });
  assert.deepEqual(surroundings({ SUDO_USER: "", TMUX: "", STY: "", TERM_PROGRAM: "", SSH_CONNECTION: "" }), {});
  assert.deepEqual(surroundings({}), {});
});
