/** Proves that nobody is led to files of another user, and that root with a user's home leaves that home alone. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stateOf } from "../support/folder-state.ts";
import { assertRefused } from "../support/rows.ts";
import { createSandbox, launcher, type Outcome, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { createUser, type User } from "../support/users.ts";

interface Place {
  readonly sandbox: Sandbox;
  readonly user: User;
  /** A folder of root's, mode 0700, with a file in it. */
  readonly roots: string;
  /** Runs `session-buddy` as root with the user's home, as `sudo -E` does. */
  asRoot(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
}

const secret = "recognisable-line-of-a-secret";

function createPlace(t: TestContext): Place {
  const sandbox = createSandbox(t);
  const user = createUser(t, sandbox);
  const roots = join(sandbox.folder, "roots");
  mkdirSync(roots, { mode: 0o700 });
  writeFileSync(join(roots, "id_secret"), `${secret}\n`, { mode: 0o600 });
  const env = { PATH: sandbox.env.PATH ?? "", HOME: user.home };
  return {
    sandbox,
    user,
    roots,
    asRoot: (args, more = {}) => runToEnd(launcher, args, { env: { ...env, ...more }, cwd: "/" }),
  };
}

const backup = (sandbox: Sandbox) => ["backup", join(sandbox.folder, "copy.db")];
const everyCommand = (sandbox: Sandbox): readonly (readonly string[])[] => [
  ["start"],
  ["start", "--state-file", join(sandbox.folder, "state")],
  ["end", "--state-file", join(sandbox.folder, "state")],
  ["list"],
  ["show", "id"],
  ["reconcile"],
  ["rebuild"],
  ["prune", "--older-than", "1d"],
  backup(sandbox),
  ["serve", "--port", "0"],
];

/** What a user may have laid into its home for root to find. */
const traps: readonly (readonly [name: string, lay: (place: Place) => Promise<void> | void])[] = [
  ["nothing", () => {}],
  [
    "its folders as links to a folder of root's",
    ({ user, roots }) =>
      user.shell(
        `mkdir -p .local/share .local/state/session-buddy
         ln -s '${roots}' .local/share/session-buddy; ln -s '${roots}' .local/state/session-buddy/shells`,
      ),
  ],
  [
    "the folder above as a link, and names that a host id may be written by",
    ({ user, roots }) =>
      user.shell(
        `mkdir -p .local/state/session-buddy; ln -s '${roots}' .local/share
         for n in $(seq 1 300); do ln -s '${roots}/id_secret' .local/state/session-buddy/host-id.$n; done`,
      ),
  ],
  [
    "a secret in place of the host id",
    ({ user, roots }) =>
      user.shell(`mkdir -p .local/state/session-buddy; ln -s '${roots}/id_secret' .local/state/session-buddy/host-id`),
  ],
  [
    "settings that name a log file of root's",
    ({ user, roots }) =>
      user.shell(
        `mkdir -p .config/session-buddy
         echo '{"log_file": "${roots}/id_secret"}' > .config/session-buddy/settings.json
         chmod 600 .config/session-buddy/settings.json`,
      ),
  ],
  ["a record of its own", async ({ user }) => void assert.equal((await user.run(["start"])).status, 0)],
];

for (const [name, lay] of traps) {
  test(`root with the home of a user who laid ${name} there reads and writes nothing of it`, async (t) => {
    const place = createPlace(t);
    const { sandbox, user, roots, asRoot } = place;
    await lay(place);
    const before = [stateOf(user.home), stateOf(roots)];
    for (const args of everyCommand(sandbox)) {
      const outcome = await asRoot(args);
      assert.ok(outcome.status === 5 || outcome.status === 3, `${args.join(" ")}: ${outcome.status} ${outcome.stderr}`);
      assert.match(
        outcome.stderr,
        /^session-buddy: the (data folder|settings file) \S+ lies below \S+, which belongs to user id \d+, not to 0; run as that user, or with root's own home \(sudo -H or sudo -i\), or set SESSION_BUDDY_HOME\n$/,
      );
      assert.ok(!(outcome.stdout + outcome.stderr).includes(secret));
    }
    for (const args of [
      ["config", "list"],
      ["config", "get", "port"],
      ["config", "set", "port", "1"],
    ]) {
      assertRefused(await asRoot(args), 3, /the settings file \S+ lies below \S+, .*sudo -H/);
    }
    const doctor = await asRoot(["doctor"]);
    assert.equal(doctor.status, 1);
    assert.match(
      doctor.stdout.replaceAll(/\s+/g, " "),
      /on no record here: \S+ lies below \S+, which belongs to user id \d+, not to 0 .*sudo -H/,
    );
    assert.ok(!doctor.stdout.includes(secret));
    assert.deepEqual([stateOf(user.home), stateOf(roots)], before);
  });
}

test("root with a user's home and a folder of its own keeps its record there", async (t) => {
  const { sandbox, user, asRoot } = createPlace(t);
  const before = stateOf(user.home);
  const own = { SESSION_BUDDY_HOME: sandbox.home };
  for (const args of [["start"], ["list"], ["config", "set", "port", "1"], ["reconcile"]]) {
    const outcome = await asRoot(args, own);
    assert.equal(outcome.status, 0, outcome.stderr);
  }
  assert.deepEqual(stateOf(user.home), before);
  assert.equal(statSync(sandbox.home).uid, 0);
});

/** Homes as people have them, whose record is kept. */
const goodHomes: readonly (readonly [name: string, make: (place: Place) => Promise<void> | void])[] = [
  [
    "a link to a folder of the user's own elsewhere",
    ({ user, sandbox }) => {
      mkdirSync(join(sandbox.folder, "data"), { mode: 0o755 });
      mkdirSync(join(sandbox.folder, "data/a"));
      chownSync(join(sandbox.folder, "data/a"), user.uid, user.uid);
      return user.shell(`mkdir .local .local/state; ln -s '${sandbox.folder}/data/a' .local/share`);
    },
  ],
  [
    "relative links as managers of dotfiles make them",
    ({ user }) =>
      user.shell(
        "mkdir -p dotfiles/share dotfiles/state dotfiles/config; mkdir .local; ln -s ../dotfiles/share .local/share; ln -s ../dotfiles/state .local/state; ln -s dotfiles/config .config",
      ),
  ],
  [
    "folders that its own group may write to",
    ({ user }) => user.shell("umask 002; mkdir -p .local/share .local/state .config"),
  ],
];

for (const [name, make] of goodHomes) {
  test(`${name}: the record is kept`, async (t) => {
    const place = createPlace(t);
    await make(place);
    for (const args of [["start"], ["config", "set", "port", "1"], ["list", "--all", "--json"]]) {
      const { status, stdout, stderr } = await place.user.run(args);
      assert.deepEqual([status, stderr], [0, ""], args.join(" "));
      if (args[0] === "list") assert.equal(JSON.parse(stdout).length, 1);
    }
  });
}

test("a home behind a link of root's, as /home is on some systems, is the user's own", async (t) => {
  const { sandbox, user } = createPlace(t);
  symlinkSync(sandbox.folder, join(sandbox.folder, "homes"));
  const HOME = join(sandbox.folder, "homes", user.name);
  const { status, stderr } = await user.run(["start"], { env: { HOME } });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal((await user.run(["list", "--all"])).stdout.split("\n").length, 3);
});

test("in a container without privileges, where root's folders show as nobody's, the record is kept", async (t) => {
  const { sandbox, user } = createPlace(t);
  const command = [...user.under, "unshare", "--map-root-user", launcher, "start"];
  const env = { PATH: sandbox.env.PATH ?? "", HOME: user.home };
  const { status, stderr } = await runToEnd(command[0] ?? "", command.slice(1), { env, cwd: user.home });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(statSync(join(user.home, ".local/share/session-buddy/sessions.db")).uid, user.uid);
});

test("root in a container that knows no other user's id still leaves a user's home alone", async (t) => {
  const { sandbox, user } = createPlace(t);
  const before = stateOf(user.home);
  const env = { PATH: sandbox.env.PATH ?? "", HOME: user.home };
  const outcome = await runToEnd("unshare", ["--map-root-user", launcher, "start"], { env, cwd: "/" });
  assertRefused(outcome, 5, /lies below \S+, which belongs to user id \d+, not to 0; .*sudo -H/);
  assert.deepEqual(stateOf(user.home), before);
});

/** Places of a user on whose way another one has a hand. */
const badHomes: readonly (readonly [
  name: string,
  make: (place: Place, other: User) => Promise<void> | void,
  words: RegExp,
])[] = [
  [
    "a link of another user's",
    async ({ user }, other) => {
      await user.shell("mkdir -p mine .local; chmod 1777 .local");
      await other.shell(`ln -s '${user.home}/mine' '${user.home}/.local/share'`);
    },
    /lies behind the link \S+share, which belongs to user id \d+, not to \d+; set SESSION_BUDDY_HOME/,
  ],
  [
    "a folder of another user's",
    async ({ user }, other) => {
      await user.shell("mkdir .local; chmod 1777 .local");
      await other.shell(`mkdir -m 777 '${user.home}/.local/share'`);
    },
    /lies below \S+share, which belongs to user id \d+, not to \d+; set SESSION_BUDDY_HOME/,
  ],
  [
    "a folder that others may write to",
    ({ user }) => user.shell("mkdir -p .local/share; chmod 777 .local/share"),
    /lies below \S+share, where other users may write \(mode 0777\); close it with: chmod go-w '\S+share'/,
  ],
  [
    "a folder that a group of others may write to",
    ({ user }) => {
      mkdirSync(join(user.home, ".local"));
      chownSync(join(user.home, ".local"), user.uid, 12345);
      chmodSync(join(user.home, ".local"), 0o775);
    },
    /lies below \S+local, where other users may write \(mode 0775\); close it with: chmod go-w '\S+local'/,
  ],
];

for (const [name, make, words] of badHomes) {
  test(`a record below ${name} is refused, and nothing is made there`, async (t) => {
    const place = createPlace(t);
    await make(place, createUser(t, place.sandbox));
    const before = stateOf(place.user.home);
    for (const args of [["start"], ["list"]]) assertRefused(await place.user.run(args), 5, words);
    assert.deepEqual(stateOf(place.user.home), before);
  });
}

test("a host id, settings and a log file of another user are not used, and doctor names them", async (t) => {
  const { sandbox, user } = createPlace(t);
  const other = createUser(t, sandbox);
  assert.equal((await user.run(["start"])).status, 0);
  const hostId = join(user.home, ".local/state/session-buddy/host-id");
  const id = readFileSync(hostId, "utf8");
  chownSync(hostId, other.uid, other.uid);
  chmodSync(hostId, 0o644);
  const log = join(sandbox.folder, "log");
  writeFileSync(log, "", { mode: 0o666 });
  chmodSync(log, 0o666);
  chownSync(log, other.uid, other.uid);
  assert.equal((await user.run(["start"], { env: { SESSION_BUDDY_LOG_FILE: log } })).status, 0);
  assert.deepEqual([readFileSync(hostId, "utf8"), readFileSync(log, "utf8")], [id, ""]);
  const { status, stdout } = await user.run(["doctor"]);
  assert.equal(status, 1);
  assert.match(
    stdout.replaceAll(/\s+/g, " "),
    new RegExp(`host-id cannot be used: it belongs to user id ${other.uid}`),
  );
  await user.shell("mkdir -p .config/session-buddy; echo '{}' > .config/session-buddy/settings.json");
  const settings = join(user.home, ".config/session-buddy/settings.json");
  chownSync(settings, other.uid, other.uid);
  assertRefused(await user.run(["list"]), 3, /the settings file \S+ cannot be used: it belongs to user id \d+, not to/);
});
