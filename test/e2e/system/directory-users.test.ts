/**
 * Proves that the service knows the users and groups of a directory, which are not in the files of the machine: by their
 * names, and who of them is an administrator. The directory is another source of nsswitch.conf(5), as LDAP is.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createTestMachine, type TestMachine } from "../../support/installed-machine.ts";
import { openShell } from "../../support/shells/spool.ts";

const spool = "/var/spool/session-buddy/shells";
/** Of nobody else, so that processes of other tests stay alone. */
const uids = { dora: 4721, emil: 4722, fred: 4723, gwen: 4724 } as const;

/** dora is named in the group of administrators, it is emil's own; fred is in none, and gwen in one of a similar name. */
const setUp = `
  sed -i -E 's/^(passwd|group):.*/\\1: files extrausers/' /etc/nsswitch.conf
  mkdir -p /var/lib/extrausers
  cat > /var/lib/extrausers/passwd <<'END'
dora:x:4721:4731:Dora:/:/bin/sh
emil:x:4722:4790:Emil:/:/bin/sh
fred:x:4723:4733:Fred:/:/bin/sh
gwen:x:4724:4734:Gwen:/:/bin/sh
END
  cat > /var/lib/extrausers/group <<'END'
operators:x:4790:dora
operators2:x:4791:gwen
END
  install -d -o session-buddy -g session-buddy /run/session-buddy
`;

async function startService(t: TestContext, machine: TestMachine): Promise<void> {
  const words = [
    "setpriv",
    "--reuid=session-buddy",
    "--regid=session-buddy",
    "--clear-groups",
    "session-buddy",
    "serve",
  ];
  const [program = "", ...args] = [...machine.under, ...words, "--port", "0", "--spool", spool];
  const env = { ...machine.env, SESSION_BUDDY_HOME: "/var/lib/session-buddy", SESSION_BUDDY_ADMIN_GROUP: "operators" };
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  t.after(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await eventually(() => assert.match(said, /Serving MCP: /));
}

const as = (uid: number) => ["setpriv", `--reuid=${uid}`, "--regid=65534", "--clear-groups"];

test("users of a directory are shown by name, and its administrators see everybody", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(["install", "--system"]);
  await machine.shell(setUp);
  assert.equal(await machine.shell("getent passwd dora | cut -d: -f3; ! grep dora /etc/passwd"), "4721\n");
  await startService(t, machine);

  const shellOf = (uid: number, loginUid = "") =>
    openShell(t, spool, { under: [...machine.under, ...as(uid)], home: "/" }, loginUid);
  const shells = [await shellOf(uids.fred), await shellOf(uids.gwen, String(uids.dora))];
  const seenBy = async (uid: number) => {
    const { stdout, stderr } = await machine.run([...as(uid), "session-buddy", "list", "--json"], {
      env: { HOME: "/nonexistent", SESSION_BUDDY_HOME: `/tmp/nobody-${uid}` },
    });
    assert.equal(stderr, "");
    const rows: { username: string; login_user: string | null; login_uid: number | null }[] = JSON.parse(stdout);
    return rows.sort((a, b) => a.username.localeCompare(b.username));
  };
  await eventually(async () => assert.equal((await seenBy(uids.dora)).length, 2));
  const everybody = ["fred", "gwen"];
  const names = async (uid: number) => (await seenBy(uid)).map(({ username }) => username);
  assert.deepEqual(await names(uids.dora), everybody);
  assert.deepEqual(await names(uids.emil), everybody);
  assert.deepEqual(await names(uids.fred), ["fred"]);
  assert.deepEqual(await names(uids.gwen), ["gwen"]);
  const [, gwens] = await seenBy(uids.emil);
  // Where the kernel knows the login of whoever runs this, that counts; else what the shell said.
  const loginUid = gwens?.login_uid ?? assert.fail("nobody has logged in");
  assert.equal(`${gwens?.login_user}\n`, await machine.shell(`getent passwd ${loginUid} | cut -d: -f1`));
  const who = await machine.run(["session-buddy", "who"]);
  assert.match(who.stdout, /\bgwen\b/);
  for (const shell of shells) await shell.exit();
});
