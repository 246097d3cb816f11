/** Proves that the service takes whoever logs in for the owner of a file in the spool, and for nobody else. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, linkSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { askSocket, createAskedMachine, type Machine, type Service, type SocketAnswer } from "../../support/machine.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";
import { createUser, type User } from "../../support/users.ts";

interface Place {
  readonly machine: Machine;
  readonly service: Service;
  readonly ann: User;
  readonly bob: User;
  logIn(body: unknown): Promise<SocketAnswer>;
}

async function createPlace(t: TestContext): Promise<Place> {
  const machine = createAskedMachine(t);
  const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
  await machine.record([
    { id: "ann-1", from: "2026-03-10T08:00:00Z", start: { username: ann.name } },
    { id: "bob-1", from: "2026-03-10T08:00:00Z", start: { username: bob.name } },
  ]);
  const service = await machine.serve();
  return {
    machine,
    service,
    ann,
    bob,
    logIn: (body) => askSocket(machine.socket, "/v1/login", { method: "POST", body }),
  };
}

/** The service's own mark is none of theirs. */
const leftIn = (spool: string) => readdirSync(spool).filter((name) => name !== ".room");
const newName = () => `login.${randomBytes(32).toString("base64url")}`;
const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex");
const secret = "a secret that its user has made up";

/** A line of shell that makes a good file. */
function making(path: string, hash = hashOf(secret)): string {
  return `printf %s ${hash} > '${path}'; chmod 440 '${path}'`;
}

async function makeFile({ machine }: Place, user: User): Promise<{ readonly file: string; readonly path: string }> {
  const file = newName();
  const path = join(machine.spool, file);
  await user.shell(making(path));
  return { file, path };
}

async function tokenOf(place: Place, user: User): Promise<string> {
  const { file } = await makeFile(place, user);
  const { status, body } = await place.logIn({ file, secret });
  assert.equal(status, 200, JSON.stringify(body));
  return String(body.token);
}

function assertUnknown({ status, body }: SocketAnswer): void {
  assert.deepEqual(
    [status, body],
    [401, { status: "error", error: "❌ Authentication failed: The file in the spool does not show who asks" }],
  );
}

test("a file and its secret give a short token of its owner, once, and the file is gone", async (t) => {
  const place = await createPlace(t);
  const { file, path } = await makeFile(place, place.ann);
  const before = Date.now();
  const { status, body } = await place.logIn({ file, secret });
  const { token, expires_at, ...rest } = body;
  assert.deepEqual([status, rest], [200, { status: "ok", error: null, scope: "read:own" }]);
  const lifetimeMs = Date.parse(String(expires_at)) - before;
  assert.ok(lifetimeMs > 200_000 && lifetimeMs <= 301_000, String(lifetimeMs));
  const claims = JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString());
  assert.deepEqual([claims.user_id, claims.uid, claims.scope], [place.ann.name, place.ann.uid, "read:own"]);
  assert.ok(!existsSync(path));
  assertUnknown(await place.logIn({ file, secret }));
});

/** What is tried with the spool, as whom it should not work; answers the name and secret that are sent. */
const attacks: readonly (readonly [
  name: string,
  /** What the log says; null where the file is nobody's, and nothing is logged. */
  reason: string | null,
  lay: (place: Place, file: string, path: string) => Promise<string>,
])[] = [
  ["a file that is not there", null, async () => secret],
  [
    "another user's file, with another secret",
    "the secret is not the one of the file",
    async ({ ann }, _, path) => {
      await ann.shell(making(path));
      return "a guess";
    },
  ],
  [
    "another user's file, with the hash for the secret",
    "the secret is not the one of the file",
    async ({ ann }, _, path) => {
      await ann.shell(making(path));
      return hashOf(secret);
    },
  ],
  [
    "a link to another user's file",
    null,
    async ({ ann, bob }, _, path) => {
      await ann.shell(`rm -f mine; ${making("mine")}; chmod 444 mine`);
      await bob.shell(`ln -s '${ann.home}/mine' '${path}'`);
      return secret;
    },
  ],
  [
    "a hard link to another user's file",
    "it has another name",
    async ({ ann }, _, path) => {
      await ann.shell(`rm -f mine; ${making("mine")}; chmod 444 mine`);
      // As a kernel without protected_hardlinks lets anybody do.
      linkSync(join(ann.home, "mine"), path);
      return secret;
    },
  ],
  [
    "a hard link to another user's file that has lost its other name",
    "it was not made there",
    async ({ ann }, _, path) => {
      await ann.shell(`rm -f mine; ${making("mine")}; chmod 444 mine`);
      linkSync(join(ann.home, "mine"), path);
      await ann.shell("rm -f mine");
      return secret;
    },
  ],
  [
    "a file of root's that was moved here",
    "it was not made there",
    async ({ bob, machine }, _, path) => {
      const made = join(bob.home, "made-by-root");
      writeFileSync(made, hashOf(secret), { mode: 0o444 });
      assert.ok(machine.spool.length > 0);
      await bob.shell(`mv made-by-root '${path}'`);
      return secret;
    },
  ],
  [
    "a FIFO",
    "it is not a regular file",
    async ({ bob }, _, path) => {
      await bob.shell(`mkfifo -m 666 '${path}'`);
      return secret;
    },
  ],
  [
    "a folder",
    "it is not a regular file",
    async ({ bob }, _, path) => {
      await bob.shell(`mkdir '${path}'`);
      return secret;
    },
  ],
  [
    "a device",
    null,
    async ({ bob }, _, path) => {
      await bob.shell(`ln -s /dev/zero '${path}'`);
      return secret;
    },
  ],
  [
    "a file that others may write to",
    "others may write to it",
    async ({ ann }, _, path) => {
      await ann.shell(`${making(path)}; chmod 666 '${path}'`);
      return secret;
    },
  ],
  [
    "a file that the service may not read",
    null,
    async ({ bob }, _, path) => {
      await bob.shell(`${making(path)}; chmod 400 '${path}'`);
      return secret;
    },
  ],
  [
    "an empty file",
    "it does not hold a hash",
    async ({ bob }, _, path) => {
      await bob.shell(`: > '${path}'; chmod 440 '${path}'`);
      return "";
    },
  ],
  [
    "a huge file that begins with the hash",
    "it is too large",
    async ({ bob }, _, path) => {
      await bob.shell(`printf %s ${hashOf(secret)} > '${path}'; truncate -s 1G '${path}'; chmod 440 '${path}'`);
      return secret;
    },
  ],
  [
    "a hash with something behind it",
    "it is too large",
    async ({ bob }, _, path) => {
      await bob.shell(`printf '%s\\n\\n' ${hashOf(secret)} > '${path}'; chmod 440 '${path}'`);
      return secret;
    },
  ],
  [
    "a hash in capitals",
    "it does not hold a hash",
    async ({ bob }, _, path) => {
      await bob.shell(making(path, hashOf(secret).toUpperCase()));
      return secret;
    },
  ],
];

test("nothing else in the spool shows who asks, and none of it stays there", async (t) => {
  const place = await createPlace(t);
  for (const [name, reason, lay] of attacks) {
    const before = place.service.log().length;
    const file = newName();
    const sent = await lay(place, file, join(place.machine.spool, file));
    assertUnknown(await place.logIn({ file, secret: sent }));
    assert.deepEqual(leftIn(place.machine.spool), [], name);
    const said = await eventually(() => {
      const text = place.service.log().slice(before);
      assert.ok(text.includes("\n") || reason === null, name);
      return text;
    });
    assert.ok(reason === null ? said === "" : said.includes(`login: ${reason}`), `${name}: ${said}`);
  }
  // The good one is taken all the same.
  await tokenOf(place, place.ann);
});

test("names that lead elsewhere, or are no texts, are refused, and no file is touched", async (t) => {
  const place = await createPlace(t);
  const { machine, ann, logIn } = place;
  const elsewhere = newName();
  await ann.shell(making(elsewhere));
  const names = [
    `../${ann.name}/${elsewhere}`,
    `${ann.home}/${elsewhere}`,
    `login./../../${ann.name}/${elsewhere}`,
    `${elsewhere}\0`,
    "login.",
    "login.short",
    "",
    ".",
    "..",
    "%2e%2e",
  ];
  for (const file of names) assertUnknown(await logIn({ file, secret }));
  for (const body of [
    {},
    [],
    "x",
    null,
    { file: 5, secret },
    { file: elsewhere },
    { file: elsewhere, secret, uid: 0 },
  ]) {
    assert.equal((await logIn(body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await logIn({ file: elsewhere, secret: "x".repeat(2_000) })).status, 400);
  assert.equal((await logIn({ file: "x".repeat(300_000), secret })).status, 413);
  assert.ok(existsSync(join(ann.home, elsewhere)));
  assert.equal((await askSocket(machine.socket, "/v1/login")).status, 405);
});

test("a file that shows its owner, but in another folder, is no login", async (t) => {
  const place = await createPlace(t);
  const { machine, ann, logIn } = place;
  const elsewhere = join(machine.sandbox.folder, "elsewhere");
  mkdirSync(elsewhere);
  chownSync(elsewhere, machine.service.uid, machine.service.gid);
  chmodSync(elsewhere, 0o3733);
  const file = newName();
  await ann.shell(making(join(elsewhere, file)));
  for (const name of [`../elsewhere/${file}`, `login./../../elsewhere/${file}`, join(elsewhere, file)]) {
    assertUnknown(await logIn({ file: name, secret }));
  }
  assert.ok(existsSync(join(elsewhere, file)));
});

test("a thousand guesses find nothing and keep nobody out", async (t) => {
  const place = await createPlace(t);
  const { file, path } = await makeFile(place, place.ann);
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => place.logIn({ file: newName(), secret })));
    for (const answer of answers) assertUnknown(answer);
  }
  assert.ok(existsSync(path));
  assert.equal((await place.logIn({ file, secret })).status, 200);
  assert.ok(!place.service.log().includes(secret));
});

test("nobody logs in by TCP, where whoever holds the port would be told secrets", async (t) => {
  const place = await createPlace(t);
  const { file, path } = await makeFile(place, place.ann);
  const answer = await ask(new URL("v1/login", place.service.url).href, { body: JSON.stringify({ file, secret }) });
  assert.equal(answer.status, 403);
  assert.match(answer.body, /over the socket of the service/);
  assert.ok(existsSync(path));
});

test("a token of a login reads what is its user's over every way in, and records nothing", async (t) => {
  const place = await createPlace(t);
  const { machine, service, ann, bob } = place;
  const token = await tokenOf(place, ann);
  const headers = { Authorization: `Bearer ${token}` };
  const get = (path: string) => ask(new URL(path, service.url).href, { method: "GET", headers });
  const own = JSON.parse((await get("v1/sessions")).body);
  assert.deepEqual(
    own.sessions.map((row: { session_id: string }) => row.session_id),
    ["ann-1"],
  );
  const [others, unknown] = await Promise.all(
    ["bob-1", "nothing"].map(async (id) => {
      const answers = await Promise.all([get(`v1/sessions/${id}`), get(`v1/sessions/${id}/why`)]);
      return answers.map(({ status, body }) => [status, body.replace(/"as_of":"[^"]*"/, "")]);
    }),
  );
  assert.deepEqual(others, unknown);
  assert.equal((await get("v1/sessions/ann-1")).status, 200);

  const call = async (name: string, args: object) =>
    JSON.parse((await ask(new URL("mcp", service.url).href, { headers, body: toolCall(1, name, args) })).body).result
      .structuredContent;
  assert.deepEqual((await call("list_active_sessions", {})).sessions.length, 1);
  assert.equal((await call("get_session", { session_id: "bob-1" })).status, "not_found");
  assert.equal((await call("explain_session", { session_id: "bob-1" })).status, "not_found");
  assert.deepEqual(
    (await call("session_stats", { by: "user" })).groups.map(({ key }: { key: string }) => key),
    [ann.name],
  );
  assert.deepEqual((await call("session_stats", { by: "user", username: bob.name })).groups, []);
  const window = { open_since: "2026-03-10T00:00:00Z", by: "user" };
  assert.deepEqual(
    (await call("session_timeline", window)).lines.map(({ key }: { key: string }) => key),
    [ann.name],
  );
  const scope = "❌ Authentication failed: The scope of this token does not allow it";
  assert.equal((await call("track_session_start", startArguments())).error, scope);
  assert.equal(
    (await call("track_session_end", { session_id: "ann-1", timestamp: "2026-03-10T09:00:00Z" })).error,
    scope,
  );
  const read = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "session://bob-1" } };
  const resource = await ask(new URL("mcp", service.url).href, { headers, body: JSON.stringify(read) });
  assert.match(resource.body, /Resource not found/);
  assert.equal((await get("metrics")).status, 401);
  assert.equal(JSON.parse((await get("v1/sessions/ann-1")).body).session.state, "active");

  const { file } = await makeFile(place, { ...ann, shell: async (line) => rootShell(line) });
  const root = await place.logIn({ file, secret });
  assert.equal(root.body.scope, "read:all");
  const everybody = await askSocket(machine.socket, "/v1/sessions", { token: String(root.body.token) });
  assert.equal((everybody.body.sessions as unknown[]).length, 2);
});

async function rootShell(line: string): Promise<void> {
  const { execFileSync } = await import("node:child_process");
  execFileSync("sh", ["-euc", line]);
}

test("a token is good for the service that made it alone, and for it no longer after a restart", async (t) => {
  const place = await createPlace(t);
  const token = await tokenOf(place, place.ann);
  await place.service.stop();
  await place.machine.serve();
  const { status } = await askSocket(place.machine.socket, "/v1/sessions", { token });
  assert.equal(status, 401);
});

test("a socket of somebody else is told nothing", async (t) => {
  const place = await createPlace(t);
  const { machine, ann, bob } = place;
  await place.service.stop();
  const trap = join(machine.sandbox.folder, "trap");
  mkdirSync(trap);
  chmodSync(trap, 0o1777);
  const socket = join(trap, "socket");
  const script = `require("node:net").createServer((c) => c.on("data", (d) => require("node:fs").appendFileSync("heard", d))).listen("${socket}", () => { require("node:fs").chmodSync("${socket}", 0o666); process.stdout.write("up"); })`;
  const { spawn } = await import("node:child_process");
  const [program = "", ...args] = [...bob.under, process.execPath, "-e", script];
  const child = spawn(program, args, { cwd: bob.home, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const outcome = await machine.as(ann, ["list"], { env: { SESSION_BUDDY_SOCKET: socket } });
    assert.equal(outcome.status, 5);
    assert.match(outcome.stderr, /nothing was sent to it/);
    assert.ok(!existsSync(join(bob.home, "heard")));
    assert.deepEqual(leftIn(machine.spool), []);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
});
