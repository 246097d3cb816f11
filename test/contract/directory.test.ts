/** Proves that the directory of a start is looked at for this machine's own events alone, and left alone (section 1). */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startArguments } from "../support/events.ts";
import { createSandbox } from "../support/sandbox.ts";
import { type Connection, call, connect, type TransportKind, transportKinds } from "../support/server/transports.ts";

/** Takes from root the right to pass by the modes of files; other users have none. */
const withoutOverride = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];

function started({ start }: Connection, cwd: string, changes: Readonly<Record<string, unknown>> = {}) {
  const environment = { python_version: "3.13.0", platform: "Linux-6.1", cwd };
  return start({ hostname: hostname(), environment, ...changes });
}

function refused(words: string, cwd: string) {
  const sentence = `Session initialization failed: Working directory ${words}: ${cwd}`;
  return { session_id: null, status: "error", error: `Session start tracking failed: ${sentence}` };
}

interface Place {
  readonly connection: Connection;
  readonly path: (name: string) => string;
}

async function createPlace(t: TestContext, kind: TransportKind): Promise<Place> {
  const closed: string[] = [];
  // Before the sandbox is made, because its own removal must find the folders open.
  t.after(() => closed.forEach((folder) => void chmodSync(folder, 0o700)));
  const sandbox = createSandbox(t);
  const path = (name: string) => join(sandbox.folder, name);
  const close = (name: string, mode: number) => {
    chmodSync(path(name), mode);
    closed.push(path(name));
  };
  writeFileSync(path("file"), "");
  for (const name of ["open", "closed", "closed/inner", "unlistable"]) mkdirSync(path(name));
  symlinkSync("open", path("link"));
  symlinkSync("nowhere", path("dangling"));
  close("closed", 0o000);
  // Entering needs the x bit alone.
  close("unlistable", 0o100);
  return { path, connection: await connect(t, sandbox, kind, { under: withoutOverride }) };
}

for (const kind of transportKinds) {
  test(`over ${kind}, a start of this host needs a directory that can be entered`, async (t) => {
    const { connection, path } = await createPlace(t, kind);
    const problems: readonly (readonly [cwd: string, words: string])[] = [
      [path("gone"), "does not exist"],
      [path("dangling"), "does not exist"],
      ["", "does not exist"],
      ["/\0", "does not exist"],
      [`/${"x".repeat(400)}`, "does not exist"],
      [path("file"), "is not a directory"],
      [path("file/inner"), "is not a directory"],
      [path("closed"), "is not accessible"],
      [path("closed/inner"), "is not accessible"],
    ];
    for (const [cwd, words] of problems) assert.deepEqual(await started(connection, cwd), refused(words, cwd));
    for (const name of ["open", "link", "unlistable"]) {
      assert.equal((await started(connection, ` ${path(name)}\n`)).status, "tracked");
    }
  });

  test(`over ${kind}, the directory of another host's start is not looked at`, async (t) => {
    const { connection, path } = await createPlace(t, kind);
    for (const name of ["gone", "file", "closed"]) {
      assert.equal((await started(connection, path(name), { hostname: "another-host" })).status, "tracked");
    }
  });

  test(`over ${kind}, an event on record gets its answer again when its directory is gone`, async (t) => {
    const { connection, path } = await createPlace(t, kind);
    const event_id = randomUUID();
    const first = await started(connection, path("open"), { event_id });
    assert.equal(first.status, "tracked");
    rmdirSync(path("open"));
    assert.deepEqual(await started(connection, path("open"), { event_id }), first);
    assert.deepEqual(await started(connection, path("open")), refused("does not exist", path("open")));
  });
}

test("the server stays in its own directory and leaves nothing in the one it was told of", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  const client = await sandbox.httpClient(server);
  const told = join(sandbox.folder, "told");
  mkdirSync(told);
  const environment = { python_version: "", platform: "", cwd: told };
  const args = startArguments({ hostname: hostname(), environment });
  assert.equal((await call(client, "track_session_start", args)).status, "tracked");
  assert.deepEqual(readdirSync(told), []);
  assert.equal(readlinkSync(`/proc/${server.child.pid}/cwd`), sandbox.folder);
});
