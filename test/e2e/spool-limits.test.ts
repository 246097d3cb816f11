/** Proves that whoever leaves more in the spool than anybody needs holds up nobody else, and that what is beyond is told. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { createSpoolService, openShell } from "../support/shells/spool.ts";
import { createUser } from "../support/users.ts";

const floodFiles = Number(process.env.SESSION_BUDDY_FLOOD ?? 10_000);

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Each a whole start of a shell that is not there. */
const flood = String.raw`
umask 007
cd "$1"
for ((at = 0; at < $2; at++)); do
  printf '\0start/1\0id=\0time=%s\0uptime=1\0shell=bash\0cwd=/\0.\0' "$EPOCHREALTIME" >"$3.$((at % 4000000 + 100000)).$((at + 1))"
done
`;

test("while one user leaves thousands of files, another's shells are on record, and the service lives", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const [alice, bob] = [createUser(t, sandbox), createUser(t, sandbox)];
  const server = await service.serve();
  let isFlooding = true;
  const flooding = bob
    .shell(`bash --norc -c '${flood.replaceAll("'", `'\\''`)}' bash '${service.folder}' ${floodFiles} ${bootId}`)
    .finally(() => {
      isFlooding = false;
    });
  let opened = 0;
  do {
    const shell = await openShell(t, service.folder, alice);
    opened += 1;
    await eventually(() => assert.match(readFileSync(shell.file, "latin1"), /session\/1/));
    await shell.exit(7);
    await eventually(() => assert.ok(!service.names().includes(shell.name)));
  } while (isFlooding);
  await flooding;
  const hers = (await service.sessions()).filter(({ username }) => username === alice.name);
  assert.deepEqual(
    hers.map(({ state, exit_code }) => [state, exit_code]),
    Array(opened).fill(["ended", 7]),
  );
  assert.equal(server.child.exitCode, null);
});

test("files that came before the service are taken in turn, a user at a time", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const [alice, bob] = [createUser(t, sandbox), createUser(t, sandbox)];
  await bob.shell(
    `bash --norc -c '${flood.replaceAll("'", `'\\''`)}' bash '${service.folder}' ${floodFiles} ${bootId}`,
  );
  const shell = await openShell(t, service.folder, alice);
  await service.serve();
  await eventually(() => assert.match(readFileSync(shell.file, "latin1"), /session\/1/));
  // Of what is on record by then, hers is not the last.
  const counts = execFileSync("find", [service.folder, "-type", "f"], { encoding: "utf8", maxBuffer: 1e9 });
  assert.ok(counts.split("\n").length > 1);
});
