/** Proves what doctor and the metrics say of a spool that is missing, full, read-only, of a wrong mode, or served by nobody. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { createSpoolService, openShell, openSpool, type SpoolService } from "../support/shells/spool.ts";
import { createUser, type User } from "../support/users.ts";

/** What doctor says of the machine's record, as `CHECK LEVEL WORDS`. */
async function examined(user: User, { folder, socket }: SpoolService): Promise<readonly string[]> {
  const env = { SESSION_BUDDY_SPOOL: folder, SESSION_BUDDY_SOCKET: socket };
  const { stdout } = await user.run(["doctor", "--json"], { env });
  const checks = ["machine spool", "machine service", "rejected spool files"];
  const found = JSON.parse(stdout) as readonly {
    readonly check: string;
    readonly level: string;
    readonly words: string;
  }[];
  return found
    .filter(({ check }) => checks.includes(check))
    .map(({ check, level, words }) => `${check} ${level} ${words}`);
}

test("doctor names what is wrong with the spool and its service; the service goes on when it is mended", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  assert.match(
    (await examined(user, service)).join("\n"),
    /^machine spool ok .*\nmachine service problem .*does not answer at/,
  );
  await service.serve();
  assert.match((await examined(user, service)).join("\n"), /^machine spool ok .*\nmachine service ok /);

  chmodSync(service.folder, 0o1777);
  assert.match((await examined(user, service)).join("\n"), /^machine spool problem .* has mode 1777, not 3733$/);
  openSpool(service.folder, service.user);

  renameSync(service.folder, `${service.folder}.away`);
  assert.deepEqual(await examined(user, service), []);
  writeFileSync(service.folder, "");
  assert.match((await examined(user, service)).join("\n"), /^machine spool problem .* is not a folder/);
  execFileSync("rm", [service.folder]);
  execFileSync("mkdir", [service.folder]);
  openSpool(service.folder, service.user);
  // Another folder than the one that it watched.
  const shell = await openShell(t, service.folder, user);
  await eventually(() => assert.match(readFileSync(shell.file, "latin1"), /session\/1/));
});

test("doctor names a spool on a disk that is full, or read-only; what was left before is recorded", async (t) => {
  const disk = mkdtempSync(join(tmpdir(), "session-buddy-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=755", "none", disk]);
  t.after(() => {
    execFileSync("umount", ["-l", disk]);
    rmdirSync(disk);
  });
  const sandbox = createSandbox(t);
  const folder = join(disk, "shells");
  const service = createSpoolService(t, sandbox, folder);
  const user = createUser(t, sandbox);
  await service.serve();
  const shell = await openShell(t, folder, user);
  const filler = join(disk, "filler");
  execFileSync("sh", ["-c", 'cat /dev/zero > "$1" 2>/dev/null; true', "sh", filler]);
  assert.match((await examined(user, service)).join("\n"), /^machine spool problem .* lies on a disk that is full/);
  // An end still fits into the last block of the file.
  await shell.exit(5);
  await eventually(async () =>
    assert.deepEqual(
      (await service.sessions()).map(({ exit_code }) => exit_code),
      [5],
    ),
  );
  execFileSync("rm", [filler]);
  execFileSync("mount", ["-o", "remount,ro", disk]);
  assert.match(
    (await examined(user, service)).join("\n"),
    /^machine spool problem .* lies on a disk that is read-only/,
  );
  execFileSync("mount", ["-o", "remount,rw", disk]);
  assert.match((await examined(user, service)).join("\n"), /^machine spool ok /);
});

test("what a shell leaves that found the disk full as it wrote is removed, and not told of", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  const server = await service.serve();
  const name = "00000000-0000-4000-8000-000000000001.1.1";
  await user.shell(`: > '${service.folder}/${name}'; ln -s /etc/passwd '${service.folder}/${name}.1'`);
  await eventually(() => assert.deepEqual(service.names(), [`${name}.1.rejected`], server.log()));
  assert.doesNotMatch(server.log(), /is empty/);
  assert.deepEqual(await service.sessions(), []);
});

test("the service and root are told of files that were put aside; the metrics count them without a name", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  const { url } = await service.serve([], { SESSION_BUDDY_OPEN_METRICS: "yes" });
  const name = "00000000-0000-4000-8000-000000000001.1.1";
  await user.shell(`ln -s /etc/passwd '${service.folder}/${name}'`);
  await eventually(() => assert.ok(service.names().includes(`${name}.rejected`)));
  assert.match(
    (await examined(service.user, service)).join("\n"),
    /rejected spool files note 1 files in .*no files of shells/,
  );
  assert.doesNotMatch((await examined(user, service)).join("\n"), /rejected/);
  const shell = await openShell(t, service.folder, user);
  await eventually(() => assert.match(readFileSync(shell.file, "latin1"), /session\/1/));
  const text = await metricsOf(url);
  assert.match(text, /^session_buddy_spool_files\{state="followed"\} 1$/m);
  assert.match(text, /^session_buddy_spool_files\{state="unfit"\} 1$/m);
  assert.ok(!text.includes(user.name));
});

test("why says whose a shell is by its file, whether that was verified, and what its program is told by", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  const gone = await openShell(t, service.folder, user);
  await gone.exit();
  await service.serve();
  await openShell(t, service.folder, user);
  const sessions = await eventually(async () => {
    const found = await service.sessions();
    assert.equal(found.length, 2);
    return found;
  });
  const words = await Promise.all(
    sessions.map(async ({ session_id }) => {
      const { stdout } = await service.ask(["why", String(session_id)]);
      const { owner_uid, verified } = JSON.parse((await service.ask(["why", String(session_id), "--json"])).stdout);
      return [stdout.replaceAll(/\s+/g, " "), owner_uid, verified];
    }),
  );
  const [open, ended] = words;
  assert.deepEqual(
    [open?.slice(1), ended?.slice(1)],
    [
      [user.uid, true],
      [user.uid, false],
    ],
  );
  assert.match(
    String(open?.[0]),
    /owner user id \d+, by its state file; verified: .* its program is told by its name \(comm\) alone/,
  );
  assert.match(String(ended?.[0]), /owner user id \d+, by its state file; not verified: its process had gone/);
});

function metricsOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL("/metrics", url), (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject).end();
  });
}
