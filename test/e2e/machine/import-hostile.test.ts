/** Proves that nobody gets anything on record in another's name, or over what is there, by sending what is no own record. */
import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import { toSentSession } from "../../../src/wire/import-form.ts";
import { askSocket, createAskedMachine, type Machine, type SocketAnswer } from "../../support/machine.ts";
import { ask } from "../../support/server/raw-http.ts";
import { ownEvents } from "../../support/store/own-record.ts";
import { createUser, type User } from "../../support/users.ts";

interface Place {
  readonly machine: Machine;
  readonly ann: User;
  readonly bob: User;
  /** Of its entrance by TCP. */
  readonly url: string;
  /** A token of bob's login. */
  readonly token: string;
  send(sessions: unknown, more?: object): Promise<SocketAnswer>;
}

const annsId = "shell-20260310-080000";
const annsStart = "00000000-0000-4000-8000-000000000001";

/** On record of the machine: a session of ann's that has ended, and one that is open. */
async function createPlace(t: TestContext): Promise<Place> {
  const machine = createAskedMachine(t);
  const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
  const start = { username: ann.name, componentName: "shell", hostname: hostname() };
  await machine.record([
    { id: annsId, from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00Z", start },
    { id: "shell-20260311-080000", from: "2026-03-11T08:00:00Z", start },
  ]);
  const service = await machine.serve();
  const token = await tokenOf(machine, bob);
  const send = (sessions: unknown, more: object = {}) =>
    askSocket(machine.socket, "/v1/import", {
      method: "POST",
      token,
      body: { format: 1, dry_run: false, sessions, ...more },
    });
  return { machine, ann, bob, url: service.url, token, send };
}

async function tokenOf(machine: Machine, user: User): Promise<string> {
  const [file, secret] = [`login.${randomBytes(32).toString("base64url")}`, "a secret of this test"];
  const hash = createHash("sha256").update(secret).digest("hex");
  const path = join(machine.spool, file);
  await user.shell(`printf %s ${hash} > '${path}'; chmod 440 '${path}'`);
  const { body } = await askSocket(machine.socket, "/v1/login", { method: "POST", body: { file, secret } });
  return String(body.token);
}

const story = { id: "shell-20260401-080000", from: "2026-04-01T08:00:00Z", to: "2026-04-01T09:00:00Z" };

type Row = Record<string, unknown>;
type Sent = Row & { session_id: string; events: [Row, Row] };
type Change = (sent: Sent, place: Place) => unknown;

function sentBy({ bob }: Place, changed: Partial<Parameters<typeof ownEvents>[1]> = {}): Sent {
  return toSentSession(ownEvents(bob, { ...story, ...changed })) as unknown as Sent;
}

/** Sets a field by its way, for example `events.0.details.pid`. */
function set(way: string, value: unknown): Change {
  return (sent) => {
    const names = way.split(".");
    const last = names.pop() ?? "";
    const inner = names.reduce((object, name) => object[name] as Row, sent as Row);
    inner[last] = value;
    return sent;
  };
}

/** Each is one session that is bob's but for one thing, and why it is refused. */
const attacks: readonly (readonly [name: string, change: Change, reason: RegExp])[] = [
  [
    "another user's name",
    (sent, place) => set("events.0.details.user.username", place.ann.name)(sent, place),
    /^it is of user 'sb-test/,
  ],
  ["root's name", set("events.0.details.user.username", "root"), /^it is of user 'root'/],
  ["another host", set("events.0.details.hostname", "elsewhere"), /^it is of host/],
  ["an id that another has", set("session_id", annsId), /^its id is not made from its start/],
  ["an id of another component", set("session_id", "deploy-20260401-080000"), /^its id is not made/],
  ["no text for an id", set("session_id", { toString: "x" }), /^session_id: Input should be a valid string/],
  ["the event id of another's start", set("events.0.event_id", annsStart), /^an event of it has the id of another/],
  ["the event id of another's start for its end", set("events.1.event_id", annsStart), /^an event of it has the id/],
  [
    "one id for two events",
    (sent) => set("events.1.event_id", sent.events[0].event_id)(sent, null as never),
    /each has an id of its own/,
  ],
  ["an end before its start", set("events.1.details.timestamp", "2026-04-01T07:59:59Z"), /^it ends before it starts/],
  ["an end in the future", set("events.1.details.timestamp", "2999-01-01T00:00:00Z"), /^it ends in the future/],
  [
    "a start in the future",
    (_, place) =>
      sentBy(place, { id: "shell-29990101-000000", from: "2999-01-01T00:00:00Z", to: "2999-01-01T01:00:00Z" }),
    /^it starts in the future/,
  ],
  ["no end", (sent) => ({ ...sent, events: [sent.events[0]] }), /^it is open/],
  ["no start", (sent) => ({ ...sent, events: [sent.events[1]] }), /a session has one start/],
  [
    "two starts",
    (sent) => ({ ...sent, events: [...sent.events, { ...sent.events[0], event_id: randomUUID() }] }),
    /a session has one start/,
  ],
  ["no events", set("events", []), /^events: Input should be a list/],
  [
    "too many events",
    (sent) => ({ ...sent, events: Array(101).fill(sent.events[1]) }),
    /^events: Input should be a list/,
  ],
  ["a field that is not known", set("events.0.owner", { uid: 0, isVerified: true }), /^owner: Unexpected argument/],
  ["a field of a session that is not known", set("uid", 0), /^uid: Unexpected argument/],
  ["a detail that is not known", set("events.1.details.commands", []), /^commands: Unexpected argument/],
  ["a detail of a start that is not known", set("events.0.details.commands", []), /^commands: Unexpected argument/],
  ["a source that was imported there", set("events.1.source.kind", "import"), /^source\.kind: Input should be/],
  ["a source of another kind", set("events.1.source.kind", "kernel2"), /^source\.kind: Input should be/],
  ["another kind of event", set("events.1.kind", "seal"), /^kind: Input should be/],
  ["a component that is none", set("events.0.details.component_name", "a b"), /^Invalid component_name/],
  ["a directory of 10,000 letters", set("events.0.details.environment.cwd", "/".repeat(10_000)), /at most 4096/],
  ["a pid of none", set("events.0.details.pid", 0), /^pid: Input should be/],
  ["a boot clock that runs backwards", set("events.0.boot_clock", { boot_id: "b", ms: -5 }), /^boot_clock\.ms: Input/],
  ["a circumstance that is not known", set("events.0.circumstances", { verified: 1 }), /Unexpected argument/],
  ["a list for a session", () => [], /^arguments: Input should be a valid object/],
  ["null", () => null, /^arguments: Input should be a valid object/],
];

test("each lie about one session is refused with its reason, and what is beside it is taken", async (t) => {
  const place = await createPlace(t);
  const before = await place.machine.asRoot(["list", "--all", "--json"]);
  for (const [name, change, reason] of attacks) {
    const answer = await place.send([change(structuredClone(sentBy(place)), place)]);
    assert.equal(answer.status, 200, name);
    const [row] = answer.body.sessions as [Row];
    assert.deepEqual([row.outcome, row.session_id, row.new_events], ["refused", null, 0], name);
    assert.match(String(row.reason), reason, name);
  }
  assert.deepEqual(await place.machine.asRoot(["list", "--all", "--json"]), before);
  const good = await place.send([null, sentBy(place), []]);
  assert.deepEqual(
    (good.body.sessions as Row[]).map(({ outcome }) => outcome),
    ["refused", "imported", "refused"],
  );
});

test("what claims to be the kernel's word or another's login is a claim, or not taken at all", async (t) => {
  const place = await createPlace(t);
  const { machine, ann, bob, send } = place;
  const circumstances = {
    ...{ uid: 0, login_uid: ann.uid, login_user: ann.name, remote: "192.0.2.1 22", tty: "pts/7", audit_session: 5 },
    parent_session: annsId,
  };
  const sent = sentBy(place);
  for (const event of sent.events) event.source = { kind: "kernel", uid: null, pid: null };
  sent.events[0].circumstances = circumstances;
  assert.equal((await send([sent])).status, 200);
  const [row] = JSON.parse((await machine.as(bob, ["list", "--all", "--json"])).stdout);
  assert.deepEqual(
    [row.uid, row.login_uid, row.login_user, row.remote, row.parent_session, row.tty, row.audit_session, row.ended_by],
    [null, null, null, null, null, "pts/7", 5, "import"],
  );
  const why = JSON.parse((await machine.as(bob, ["why", row.session_id, "--json"])).stdout);
  assert.deepEqual(
    [why.rank, why.verified, why.circumstances.map(({ worth }: Row) => worth)],
    [2, false, ["claim", "claim"]],
  );
});

test("a process that the machine has looked at is none of another record", async (t) => {
  const place = await createPlace(t);
  const { machine, send } = place;
  const hostId = readFileSync(join(machine.sandbox.home, "host-id"), "utf8").split("\n", 1)[0] ?? "";
  const process = {
    ...{ host_id: hostId, boot_id: "b", pid_namespace: null, pid: 1, start_ticks: "1" },
    ...{ executable: null, exe_id: null, comm: null },
  };
  const sent = sentBy(place);
  sent.events[0].process = process;
  const [row] = (await send([sent])).body.sessions as [Row];
  assert.match(String(row.reason), /one that this record has seen itself/);
});

test("bodies that are no import are refused whole", async (t) => {
  const place = await createPlace(t);
  const { machine, token, url, send } = place;
  const good = sentBy(place);
  const bad: readonly (readonly [number, RegExp, unknown, object?])[] = [
    [400, /^format: this record takes format 1, not 2; use a session-buddy of its version/, [good], { format: 2 }],
    [400, /^format: Input should be/, [good], { format: "new" }],
    [400, /^uid: Unexpected argument/, [good], { uid: 0 }],
    [400, /^username: Unexpected argument/, [good], { username: place.ann.name }],
    [400, /^dry_run: Input should be/, [good], { dry_run: "no" }],
    [400, /^sessions: Input should be a list of 1 to 50/, []],
    [400, /^sessions: Input should be a list of 1 to 50/, Array(51).fill(null)],
    [400, /^sessions: Input should be a list/, { 0: good }],
    [413, /larger than 262144 bytes/, [good], { padding: "x".repeat(10_000_000) }],
    [413, /more than 10000 elements/, Array(20_000).fill(0)],
  ];
  for (const [status, words, sessions, more] of bad) {
    const answer = await send(sessions, more);
    assert.equal(answer.status, status, String(words));
    assert.match(String(answer.body.error), words);
  }
  const body = { format: 1, dry_run: false, sessions: [good] };
  const without = await askSocket(machine.socket, "/v1/import", { method: "POST", body });
  const wrong = await askSocket(machine.socket, "/v1/import", { method: "POST", body, token: `${token}x` });
  assert.deepEqual([without.status, wrong.status], [401, 401]);
  assert.equal((await askSocket(machine.socket, "/v1/import", { token })).status, 405);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const byTcp = await ask(new URL("v1/import", url).href, { headers, body: JSON.stringify(body) });
  assert.equal(byTcp.status, 403);
  const { stdout } = await machine.as(place.bob, ["list", "--all", "--json"]);
  assert.deepEqual(JSON.parse(stdout), []);
});

test("a token of a configured secret, whatever it says, is nobody who has logged in", async (t) => {
  const machine = createAskedMachine(t);
  const bob = createUser(t, machine.sandbox);
  const secret = "a secret of thirty-two bytes or more";
  await machine.serve({ SESSION_BUDDY_SECRET: secret });
  const made = await machine.sandbox.run(["token", "--user-id", bob.name], { env: { SESSION_BUDDY_SECRET: secret } });
  const sessions = [toSentSession(ownEvents(bob, story) as SessionEvent[])];
  const body = { format: 1, dry_run: false, sessions };
  const answer = await askSocket(machine.socket, "/v1/import", { method: "POST", body, token: made.stdout.trim() });
  assert.deepEqual(
    [answer.status, answer.body.error],
    [403, "Only who has logged in over the socket of the service imports a record"],
  );
});

test("the clock of the machine may have been set back while a shell was open", async (t) => {
  const place = await createPlace(t);
  const sent = sentBy(place, { to: "2026-04-01T07:00:00Z" });
  sent.events[0].boot_clock = { boot_id: "b", ms: 1_000 };
  sent.events[1].boot_clock = { boot_id: "b", ms: 61_000 };
  const [row] = (await place.send([sent])).body.sessions as [Row];
  assert.equal(row.outcome, "imported");
  const [shown] = JSON.parse((await place.machine.as(place.bob, ["list", "--all", "--json"])).stdout);
  assert.deepEqual([shown.duration_ms, shown.ended_at], [60_000, shown.started_at]);
});
