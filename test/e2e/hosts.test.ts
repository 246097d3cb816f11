/** Proves the life of a host with the real program: invited, enrolled over TLS, with other keys, revoked, gone; and what is lost on the way. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeDestination, readDestinations } from "../../src/auth/destinations.ts";
import { createHostKey, type HostKey, signHostProof, signHostToken } from "../../src/auth/host-keys.ts";
import { createSecureClient } from "../../src/host/secure-client.ts";
import { dropUnits, putUnits, timerUnits } from "../../src/install/deliver-timer.ts";
import { createSelfSigned } from "../support/certificates.ts";
import { assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, type Outcome, type RunningServer, type Sandbox } from "../support/sandbox.ts";
import { secret } from "../support/server/jwt.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Fleet {
  readonly centre: Sandbox;
  readonly env: Readonly<Record<string, string>>;
  readonly server: RunningServer;
  /** What hosts enroll with. */
  readonly url: string;
  readonly pin: string;
}

async function createFleet(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Fleet> {
  const centre = createSandbox(t);
  const own = createSelfSigned("localhost");
  const [certificate, key] = [join(centre.folder, "cert.pem"), join(centre.folder, "key.pem")];
  writeFileSync(certificate, own.certificate);
  writeFileSync(key, own.key, { mode: 0o600 });
  const env = {
    SESSION_BUDDY_TLS_CERTIFICATE_FILE: certificate,
    SESSION_BUDDY_TLS_KEY_FILE: key,
    SESSION_BUDDY_SECRET: secret,
    ...more,
  };
  const server = await centre.serve(env);
  return { centre, env, server, url: new URL(server.url).origin, pin: own.pin };
}

async function invited({ centre, env, url }: Fleet, ...args: readonly string[]) {
  const text = await runWell(centre, ["host", "invite", "web-01", "--any-user", "--url", url, "--json", ...args], {
    env,
  });
  return JSON.parse(text) as { readonly invite: string; readonly pin: string; readonly url: string };
}

function enroll(host: Sandbox, { url, pin }: Fleet, invite: string, ...args: readonly string[]) {
  return host.run(["enroll", url, "--pin", pin, "--no-timer", ...args], { input: `${invite}\n` });
}

async function listed({ centre, env }: Fleet) {
  return JSON.parse(await runWell(centre, ["host", "list", "--json"], { env })) as readonly {
    readonly origin: string;
    readonly revoked_at: string | null;
    readonly keys: readonly { readonly kid: string; readonly state: string }[];
  }[];
}

const plan = /^What is there and what comes is sent to https:\S+ from this record: who has .*\n/;

/** What will happen is said first, whatever comes of it. */
function assertNotEnrolled(outcome: Outcome, status: number, words: RegExp): void {
  assert.match(outcome.stderr, plan);
  assertRefused({ ...outcome, stderr: outcome.stderr.replace(plan, "") }, status, words);
}

test("a host is invited, enrolled, known by its key, given another one, revoked and gone", async (t) => {
  const fleet = await createFleet(t);
  const host = createSandbox(t);
  const { invite, pin, url } = await invited(fleet);
  assert.deepEqual([pin, url], [fleet.pin, fleet.url]);
  // Nothing is sent to whoever is not believed.
  assertNotEnrolled(
    await host.run(["enroll", url, "--no-timer"], { input: invite }),
    5,
    /signed by itself; give its pin/,
  );
  const enrolled = await enroll(host, fleet, invite, "--json");
  assert.equal(enrolled.status, 0, enrolled.stderr);
  assert.match(enrolled.stderr, plan);
  const { origin, ...rest } = JSON.parse(enrolled.stdout);
  assert.deepEqual(rest, { destination: "127.0.0.1", url, name: "web-01", username: null });
  const file = join(host.home, "destinations/127.0.0.1.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(host.home).filter((name) => name.startsWith("enrolling-")),
    [],
  );
  assertRefused(await enroll(host, fleet, invite), 2, /is enrolled with '127.0.0.1' already/);
  // A second key for the same invitation, which is somebody else's.
  const thief = createSandbox(t);
  assertNotEnrolled(await enroll(thief, fleet, invite), 4, /was used with another key/);
  assert.equal(existsSync(join(thief.home, "destinations")), false);
  assert.match(fleet.server.log(), /WARNING - Host enrolled refused: reason="?another key/);

  const before = readFileSync(file, "utf8");
  assert.match(await runWell(host, ["host", "rotate"]), /knows this record by a new key/);
  const [row] = await listed(fleet);
  assert.deepEqual(
    row?.keys.map(({ state }) => state),
    ["retired", "current"],
  );
  assert.equal(row?.origin, origin);
  assert.equal(row?.keys[1]?.kid, JSON.parse(readFileSync(file, "utf8")).kid);
  // Whoever has a copy of the old key is refused, and noticed.
  writeFileSync(file, before, { mode: 0o600 });
  assertRefused(await host.run(["host", "rotate"]), 4, /No host is enrolled here with this key/);
  assert.match(fleet.server.log(), /WARNING - Replaced key of a host used: host=web-01/);

  assert.match(await runWell(fleet.centre, ["host", "revoke", "web-01"], { env: fleet.env }), /^Revoked web-01 \(/);
  assert.notEqual((await listed(fleet))[0]?.revoked_at, null);
  assert.match(await runWell(host, ["unenroll"]), /Nothing more is sent to 127.0.0.1/);
  assertRefused(await host.run(["unenroll"]), 1, /is not enrolled anywhere/);
  for (const text of [fleet.server.log(), enrolled.stdout, enrolled.stderr]) {
    assert.ok(!text.includes(invite.split(".")[1] ?? invite));
  }
});

function clientFor(t: TestContext, { url, pin }: Fleet) {
  const client = createSecureClient({ url, pin, caFile: null });
  t.after(() => client.close());
  return async (path: string, body: string, headers: Readonly<Record<string, string>> = {}) => {
    const sent = { "Content-Type": "application/json", ...headers };
    const answer = await client.send({ path, method: "POST", body, headers: sent });
    return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body.toString()) };
  };
}

function publicOf({ jwk: { kty, crv, x } }: HostKey) {
  return { kty, crv, x };
}

function enrolBody({ url }: Fleet, key: HostKey, ticket: string, nowMs = Date.now()): string {
  const [invite = "", hidden = ""] = ticket.split(".");
  const proof = signHostProof(key, { audience: url, invite, nowMs });
  return JSON.stringify({ format: 1, invite, secret: hidden, jwk: publicOf(key), proof, hostname: "web-01" });
}

test("an answer that is lost costs nothing: whoever asks again goes on where it was", async (t) => {
  const fleet = await createFleet(t);
  const host = createSandbox(t);
  const send = clientFor(t, fleet);
  const { invite } = await invited(fleet);
  const key = createHostKey();
  mkdirSync(host.home, { mode: 0o700 });
  writeFileSync(join(host.home, `enrolling-${invite.split(".")[0]}.json`), JSON.stringify(key.jwk), { mode: 0o600 });
  assert.equal((await send("/v1/enroll", enrolBody(fleet, key, invite))).status, 200);
  const enrolled = await enroll(host, fleet, invite, "--json", "--name", "central");
  assert.equal(enrolled.status, 0, enrolled.stderr);
  assert.equal(JSON.parse(enrolled.stdout).origin, key.kid);

  const [file] = readDestinations(host.home);
  assert.ok(file !== undefined && file.destination !== null);
  const next = createHostKey();
  changeDestination(host.home, "central", { ...file.destination, nextJwk: next.jwk });
  const proof = signHostProof(next, { audience: fleet.url, invite: key.kid, nowMs: Date.now() });
  const body = JSON.stringify({ format: 1, jwk: publicOf(next), proof });
  const rotate = (signer: HostKey) => {
    const token = signHostToken(signer, { audience: fleet.url, body, nowMs: Date.now() });
    return send("/v1/rotate", body, { Authorization: `Bearer ${token}` });
  };
  // Lost behind the first request, and then behind the first use of the new key.
  for (const signer of [key, next]) {
    assert.equal((await rotate(signer)).status, 200);
    changeDestination(host.home, "central", { ...file.destination, nextJwk: next.jwk });
    await runWell(host, ["host", "rotate", "central"]);
    assert.equal(readDestinations(host.home)[0]?.destination?.kid, next.kid);
  }
  const states = (await listed(fleet))[0]?.keys.map(({ kid, state }) => [kid, state]);
  assert.deepEqual(states, [
    [key.kid, "retired"],
    [next.kid, "current"],
  ]);
});

test("each refusal of the wire has its status and its code, and too many of them have to wait", async (t) => {
  const fleet = await createFleet(t, { SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: "6" });
  const send = clientFor(t, fleet);
  const { invite } = await invited(fleet);
  const key = createHostKey();
  const known = { ...JSON.parse(enrolBody(fleet, key, invite)), later: "of a newer host" };
  const seen = async (path: string, body: string, headers = {}) => {
    const answer = await send(path, body, headers);
    assert.equal(answer.headers["cache-control"], "no-store");
    return [answer.status, answer.body.code];
  };
  // What is no request costs nobody a try.
  for (const body of [
    "",
    "{",
    "[]",
    "{}",
    JSON.stringify({ ...known, format: 2 }),
    JSON.stringify({ ...known, jwk: 1 }),
  ]) {
    assert.deepEqual(await seen("/v1/enroll", body), [400, "invalid"], body);
  }
  assert.deepEqual(await seen("/v1/enroll", " ".repeat(300 * 1024)), [413, "invalid"]);
  assert.deepEqual(await seen("/v1/enroll", enrolBody(fleet, key, invite, 0)), [401, "clock"]);
  assert.deepEqual(await seen("/v1/enroll", enrolBody(fleet, key, `${"0".repeat(16)}.${"x".repeat(43)}`)), [
    403,
    "invite",
  ]);
  assert.deepEqual(await seen("/v1/enroll", JSON.stringify({ ...known, proof: "x" })), [403, "proof"]);
  assert.deepEqual(await seen("/v1/rotate", "{}"), [401, "unknown_host"]);
  const token = signHostToken(key, { audience: fleet.url, body: "{}", nowMs: Date.now() });
  assert.deepEqual(await seen("/v1/rotate", "{}", { Authorization: `Bearer ${token}` }), [401, "unknown_host"]);
  // What lets a program ask lets no host in, and the other way round.
  const asker = { Authorization: `Bearer ${(await runWell(fleet.centre, ["token"], { env: fleet.env })).trim()}` };
  assert.deepEqual(await seen("/v1/rotate", "{}", asker), [401, "unknown_host"]);
  const over = await send("/v1/enroll", JSON.stringify(known));
  assert.equal(over.status, 429);
  assert.ok(Number(over.headers["retry-after"]) >= 1);
  assert.deepEqual(await listed(fleet), []);
});

test("what the units of the timer say is what was asked for, and one that was changed is left alone", (t) => {
  const folder = temporaryFolder(t);
  const units = timerUnits("user", "/opt/a b/bin/session-buddy", { SESSION_BUDDY_HOME: "/home/me/sb" });
  assert.match(units.service, /^ExecStart="\/opt\/a b\/bin\/session-buddy" deliver$/m);
  assert.match(units.service, /^Environment=SESSION_BUDDY_HOME=\/home\/me\/sb$/m);
  assert.match(units.timer, /^OnUnitInactiveSec=300$/m);
  const ofMachine = timerUnits("machine", "/p", { SESSION_BUDDY_HOME: "/var/lib/session-buddy" });
  assert.match(ofMachine.service, /^User=session-buddy$/m);
  assert.match(ofMachine.timer, /^OnUnitInactiveSec=60$/m);
  const timer = join(folder, "session-buddy-deliver.timer");
  for (let times = 0; times < 2; times += 1) assert.equal(putUnits(folder, units), null);
  assert.equal(readFileSync(timer, "utf8"), units.timer);
  assert.equal(readlinkSync(join(folder, "timers.target.wants/session-buddy-deliver.timer")), timer);
  writeFileSync(timer, `${units.timer}# mine\n`);
  assert.equal(putUnits(folder, units), timer);
  assert.equal(dropUnits(folder), timer);
  assert.ok(existsSync(timer));
  writeFileSync(timer, units.timer);
  assert.equal(dropUnits(folder), null);
  assert.deepEqual(readdirSync(folder), ["timers.target.wants"]);
  assert.deepEqual(readdirSync(join(folder, "timers.target.wants")), []);
});
