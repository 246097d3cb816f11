/** Proves that a machine's record loses nothing of shells of three users while its service is killed; HOOK_STORM sets how many. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAskedMachine, type Machine } from "../../support/machine.ts";
import type { SessionRow } from "../../support/rows.ts";
import { copyHooks } from "../../support/shells/hook-copy.ts";
import { shellKinds } from "../../support/shells/shells.ts";
import { createUser, type User } from "../../support/users.ts";
import { type Story, storm } from "../hooks-storm.ts";
import { createCrowd, createMortalService } from "./crowd.ts";

const shellsPerKind = Number(process.env.HOOK_STORM || 20);
const total = shellsPerKind * shellKinds.length;
const kills = 5;
/** So many shells are being opened, or ended, at the same moment. */
const hands = 8;

test(`${total} shells of three users, open at once and ended in all ways, are on record as they ended, though the service is killed`, async (t) => {
  const machine = createAskedMachine(t);
  const users = [
    createUser(t, machine.sandbox),
    createUser(t, machine.sandbox),
    createUser(t, machine.sandbox),
  ] as const;
  const hooks = copyHooks(t, null);
  chmodSync(join(hooks.hookFile("bash"), "../.."), 0o755);
  // So that no way is one user's alone.
  const userOf = ({ name, kind }: Story) =>
    users[(Number(/\d+$/.exec(name)) + shellKinds.indexOf(kind)) % users.length] ?? users[0];
  const service = await createMortalService(machine);
  // Each shell is opened, which is a step, and ended, which is another.
  const deadly = new Set(Array.from({ length: kills }, (_, at) => Math.floor((2 * total * (at + 1)) / (kills + 1))));
  const crowd = createCrowd(total, hands, (step) => {
    if (deadly.has(step)) service.kill();
  });

  const lost = await storm(
    {
      t,
      sandbox: machine.sandbox,
      crowd,
      plan: (story) => {
        const user = userOf(story);
        const env = {
          SESSION_BUDDY_HOME: undefined,
          XDG_STATE_HOME: user.home,
          // All fishes that have one wake up whenever one of them starts for the first time.
          XDG_RUNTIME_DIR: ownFolder(user, story.name),
          SESSION_BUDDY_SPOOL: machine.spool,
        };
        return { under: user.under, openHome: true, cwd: user.home, hookFile: hooks.hookFile(story.kind), env };
      },
      rows: () => service.settled().then(() => rowsOf(machine)),
      username: (story) => userOf(story).name,
    },
    shellsPerKind,
    total,
  );
  assert.deepEqual(lost, []);
  assert.equal(await service.settled(), kills);
});

function ownFolder({ home, uid, gid }: User, name: string): string {
  const folder = join(home, name);
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, uid, gid);
  return folder;
}

async function rowsOf(machine: Machine): Promise<readonly SessionRow[]> {
  const { status, stdout, stderr } = await machine.asRoot(["list", "--all", "--json"]);
  assert.deepEqual([status, stderr], [0, ""]);
  return JSON.parse(stdout);
}
