/** Proves who is let in as a host, and that each attack on that is refused and changes nothing. */
import assert from "node:assert/strict";
import { createHmac, sign as signWith } from "node:crypto";
import { type TestContext, test } from "node:test";
import { createEnrolment, EnrolRefusal, mostWrongSecrets, openHostGate } from "../../../src/app/enrolment.ts";
import { inviteHost, revokeHost } from "../../../src/app/hosts.ts";
import { migrate } from "../../../src/app/migrate.ts";
import { createHostGate, HostRefused } from "../../../src/auth/host-gate.ts";
import { bodyHash, createHostKey, type HostKey, signHostProof, signHostToken } from "../../../src/auth/host-keys.ts";
import type { Log } from "../../../src/log.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { refusal } from "../../support/refusals.ts";
import { openAt, sqlitePlace } from "../../support/store/store-place.ts";

const audience = "https://central.example:8678";
const from = { audience, address: "192.0.2.7" };
const startMs = Date.parse("2026-03-02T12:00:00Z");

interface Centre {
  readonly store: Store;
  readonly log: readonly string[];
  /** Milliseconds; the test sets it. */
  readonly clock: { nowMs: number };
  invite(options?: { readonly username?: string; readonly ttlMs?: number }): Promise<Ticket>;
  enrol(key: HostKey, ticket: Ticket, changes?: Readonly<Record<string, unknown>>): Promise<unknown>;
  gate(token: unknown, body?: string, to?: string): Promise<unknown>;
  rotate(signer: HostKey, next: HostKey, changes?: Readonly<Record<string, unknown>>): Promise<unknown>;
}

interface Ticket {
  readonly id: string;
  readonly secret: string;
}

async function createCentre(t: TestContext): Promise<Centre> {
  const store = await openAt(sqlitePlace(t), t);
  const log: string[] = [];
  const clock = { nowMs: startMs };
  const now = () => clock.nowMs;
  const write = (message: string, fields = {}) => void log.push(`${message} ${JSON.stringify(fields)}`);
  const kept: Log = { info: write, warning: (message, fields) => write(`! ${message}`, fields), error: write };
  const onRetiredKey = () => write("! replaced key used");
  const gate = createHostGate({ hosts: store, now, onRetiredKey });
  const enrolment = createEnrolment({ store, log: kept, gate, now });
  return {
    store,
    log,
    clock,
    async invite({ username, ttlMs = 900_000 } = {}) {
      const made = await inviteHost({ store }, { name: "web-01", username: username ?? null, ttlMs }, clock.nowMs);
      const [id = "", secret = ""] = made.ticket.split(".");
      return { id, secret };
    },
    enrol: (key, { id, secret }, changes = {}) =>
      enrolment.enrol({ ...requestOf(key, { id, secret }, clock.nowMs), ...changes }, from),
    gate: (token, body = "", to = audience) => gate(token, { body: Buffer.from(body), audience: to }),
    rotate(signer, next, changes = {}) {
      const proof = signHostProof(next, { audience, invite: originOf(signer), nowMs: clock.nowMs });
      const args = { format: 1, jwk: publicOf(next), proof, ...changes };
      const body = JSON.stringify(args);
      const token = signHostToken(signer, { audience, body, nowMs: clock.nowMs });
      return enrolment.rotate(args, { token, body: Buffer.from(body) }, from);
    },
  };
}

/** In these tests a host has its first key, or the origin is told by the test. */
const origins = new Map<string, string>();

function originOf({ kid }: HostKey): string {
  return origins.get(kid) ?? kid;
}

function publicOf({ jwk: { kty, crv, x } }: HostKey) {
  return { kty, crv, x };
}

function requestOf(key: HostKey, { id, secret }: Ticket, nowMs: number) {
  const proof = signHostProof(key, { audience, invite: id, nowMs });
  return { format: 1, invite: id, secret, jwk: publicOf(key), proof, hostname: "web-01.example" };
}

function tokenOf(key: HostKey, body = "", nowMs = startMs): string {
  return signHostToken(key, { audience, body, nowMs });
}

/** Signs whatever is asked for, as no program of ours would. */
function forged(key: HostKey, header: object, claims: object): string {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = signWith(null, Buffer.from(text), { key: { ...key.jwk }, format: "jwk" });
  return `${text}.${signature.toString("base64url")}`;
}

function refusedWith(code: string): (error: unknown) => true {
  return (error) => {
    if (error instanceof HostRefused) assert.equal(error.code, code, error.detail);
    else if (error instanceof EnrolRefusal) assert.equal(error.refusal, code, String(error.detail));
    else assert.fail(String(error));
    return true;
  };
}

test("an invitation lets one key in, and the same key again gets the same answer", async (t) => {
  const centre = await createCentre(t);
  const ticket = await centre.invite({ username: "deploy" });
  const key = createHostKey();
  const answer = await centre.enrol(key, ticket);
  const server_time = "2026-03-02T12:00:00Z";
  assert.deepEqual(answer, {
    status: "ok",
    error: null,
    origin: key.kid,
    name: "web-01",
    username: "deploy",
    server_time,
  });
  centre.clock.nowMs += 3_600_000;
  const again = await centre.enrol(key, ticket);
  assert.deepEqual(again, { ...(answer as object), server_time: "2026-03-02T13:00:00Z" });
  assert.deepEqual(await centre.gate(tokenOf(key, "x", centre.clock.nowMs), "x"), {
    originId: key.kid,
    name: "web-01",
    username: "deploy",
    kid: key.kid,
  });
  assert.equal((await centre.store.enrolledHosts()).length, 1);
  assert.ok(!centre.log.some((line) => line.startsWith("!")));
  assert.ok(!JSON.stringify(await centre.store.invites()).includes(ticket.secret));
  assert.ok(!centre.log.join().includes(ticket.secret));
});

/** How somebody may try to be let in who must not be; each gets a centre with one host and one open invitation. */
const intruders: Readonly<
  Record<
    string,
    readonly [
      code: string,
      isAlarm: boolean,
      attempt: (centre: Centre, ticket: Ticket, used: Ticket, host: HostKey) => Promise<unknown>,
    ]
  >
> = {
  "a stolen invitation that was used": ["invite_used", true, (centre, _, used) => centre.enrol(createHostKey(), used)],
  "an invitation that nobody made": [
    "invite",
    false,
    (centre, { secret }) => centre.enrol(createHostKey(), { id: "0".repeat(16), secret }),
  ],
  "another secret": ["invite", true, (centre, { id }, { secret }) => centre.enrol(createHostKey(), { id, secret })],
  "the hash that is kept, for a secret": [
    "invite",
    true,
    async (centre, { id }) => {
      const kept = (await centre.store.invites()).find((one) => one.id === id)?.secretHash ?? "";
      return centre.enrol(createHostKey(), { id, secret: kept });
    },
  ],
  "the key of a host, by another invitation": [
    "key_taken",
    true,
    (centre, ticket, _, host) => centre.enrol(host, ticket),
  ],
  "an invitation after its time": [
    "invite_expired",
    false,
    (centre, ticket) => {
      centre.clock.nowMs += 900_000;
      return centre.enrol(createHostKey(), ticket);
    },
  ],
  "a proof for another invitation": [
    "proof",
    false,
    (centre, ticket, used) => {
      const key = createHostKey();
      const proof = signHostProof(key, { audience, invite: used.id, nowMs: startMs });
      return centre.enrol(key, ticket, { proof });
    },
  ],
  "a proof for another record": [
    "proof",
    false,
    (centre, ticket) => {
      const key = createHostKey();
      const proof = signHostProof(key, { audience: "https://elsewhere.example", invite: ticket.id, nowMs: startMs });
      return centre.enrol(key, ticket, { proof });
    },
  ],
  "the proof of another key": [
    "proof",
    false,
    (centre, ticket) => {
      const proof = signHostProof(createHostKey(), { audience, invite: ticket.id, nowMs: startMs });
      return centre.enrol(createHostKey(), ticket, { proof });
    },
  ],
  "somebody else's proof with a public key that is known": [
    "proof",
    false,
    (centre, ticket, _, host) => {
      const proof = signHostProof(createHostKey(), { audience, invite: ticket.id, nowMs: startMs });
      return centre.enrol(createHostKey(), ticket, { proof, jwk: publicOf(host) });
    },
  ],
  "a proof that names another key than the one that signed it": [
    "proof",
    false,
    (centre, ticket, _, host) => {
      const key = createHostKey();
      const iat = startMs / 1000;
      const claims = { iss: key.kid, aud: audience, iat, exp: iat + 60, invite: ticket.id };
      return centre.enrol(key, ticket, {
        proof: forged(key, { alg: "EdDSA", kid: host.kid, typ: "sb-enroll+jwt" }, claims),
      });
    },
  ],
  "a proof of ten minutes ago": [
    "clock",
    false,
    (centre, ticket) => {
      const key = createHostKey();
      const proof = signHostProof(key, { audience, invite: ticket.id, nowMs: startMs - 600_000 });
      return centre.enrol(key, ticket, { proof });
    },
  ],
  "a proof for tomorrow": [
    "clock",
    false,
    (centre, ticket) => {
      const key = createHostKey();
      const proof = signHostProof(key, { audience, invite: ticket.id, nowMs: startMs + 86_400_000 });
      return centre.enrol(key, ticket, { proof });
    },
  ],
  "a token in the place of a proof": [
    "proof",
    false,
    (centre, ticket) => {
      const key = createHostKey();
      return centre.enrol(key, ticket, { proof: tokenOf(key, ticket.id) });
    },
  ],
  "a host that was revoked, with its own invitation": [
    "revoked",
    true,
    async (centre, _, used, host) => {
      await revokeHost(centre, host.kid, false, startMs);
      return centre.enrol(host, used);
    },
  ],
};

for (const [name, [code, isAlarm, attempt]] of Object.entries(intruders)) {
  test(`nobody is enrolled by ${name}`, async (t) => {
    const centre = await createCentre(t);
    const [used, ticket] = [await centre.invite(), await centre.invite()];
    const host = createHostKey();
    await centre.enrol(host, used);
    await assert.rejects(attempt(centre, ticket, used, host), refusedWith(code));
    const hosts = await centre.store.enrolledHosts();
    assert.deepEqual(
      hosts.map(({ originId, keys }) => [originId, keys.map(({ kid }) => kid)]),
      [[host.kid, [host.kid]]],
    );
    assert.equal((await centre.store.invites()).find(({ id }) => id === ticket.id)?.usedBy, null);
    const alarms = centre.log.filter((line) => line.startsWith("!"));
    assert.equal(alarms.length, isAlarm ? 1 : 0, alarms.join());
    for (const { secret } of [used, ticket]) assert.ok(!centre.log.join().includes(secret));
  });
}

test("five wrong secrets end an invitation, also where they come at once, and the right one is of no use then", async (t) => {
  const centre = await createCentre(t);
  const [ticket, other] = [await centre.invite(), await centre.invite()];
  const wrong = { ...ticket, secret: other.secret };
  const tries = Array.from({ length: mostWrongSecrets }, () =>
    assert.rejects(centre.enrol(createHostKey(), wrong), refusedWith("invite")),
  );
  await Promise.all(tries);
  const open = await centre.invite();
  for (let count = 1; count < mostWrongSecrets; count += 1) {
    await assert.rejects(centre.enrol(createHostKey(), { ...open, secret: other.secret }), refusedWith("invite"));
  }
  await centre.enrol(createHostKey(), open);
  await assert.rejects(centre.enrol(createHostKey(), ticket), refusedWith("invite"));
  await centre.enrol(createHostKey(), other);
});

test("of two keys that come at once with one invitation, one is let in", async (t) => {
  const centre = await createCentre(t);
  const ticket = await centre.invite();
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => centre.enrol(createHostKey(), ticket)));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await centre.store.enrolledHosts()).length, 1);
});

const header = (kid: string) => ({ alg: "EdDSA", kid, typ: "sb-host+jwt" });
const claimsOf = (kid: string, changes: object = {}) => {
  const iat = startMs / 1000;
  return { iss: kid, aud: audience, iat, exp: iat + 60, bh: bodyHash("body"), ...changes };
};

/** Tokens with which nobody may come in as a host; the body that they come with is `body`. */
const badTokens: Readonly<Record<string, readonly [code: string, token: (host: HostKey, other: HostKey) => unknown]>> =
  {
    "no token": ["unknown_host", () => undefined],
    "an empty one": ["unknown_host", () => ""],
    "a number": ["unknown_host", () => 7],
    "a token of another body": ["unknown_host", (host) => tokenOf(host, "another body")],
    "a token without a body's hash": [
      "unknown_host",
      (host) => forged(host, header(host.kid), claimsOf(host.kid, { bh: undefined })),
    ],
    "a token of ten minutes ago": ["clock", (host) => tokenOf(host, "body", startMs - 600_000)],
    "a token for tomorrow": ["clock", (host) => tokenOf(host, "body", startMs + 86_400_000)],
    "a token for another record": [
      "unknown_host",
      (host) => signHostToken(host, { audience: "https://elsewhere.example", body: "body", nowMs: startMs }),
    ],
    "a token for several records": [
      "unknown_host",
      (host) => forged(host, header(host.kid), claimsOf(host.kid, { aud: [audience] })),
    ],
    "a token for an hour": [
      "unknown_host",
      (host) => forged(host, header(host.kid), claimsOf(host.kid, { exp: startMs / 1000 + 3_600 })),
    ],
    "a token without an end": [
      "unknown_host",
      (host) => forged(host, header(host.kid), claimsOf(host.kid, { exp: undefined })),
    ],
    "a token whose end is a text": [
      "unknown_host",
      (host) => forged(host, header(host.kid), claimsOf(host.kid, { exp: `${startMs / 1000 + 60}` })),
    ],
    "a key that is not enrolled": ["unknown_host", () => tokenOf(createHostKey(), "body")],
    "another's kid over one's own signature": [
      "unknown_host",
      (host, other) => forged(other, header(host.kid), claimsOf(host.kid)),
    ],
    "one's own kid, and another's name in it": [
      "unknown_host",
      (host, other) => forged(other, header(other.kid), claimsOf(host.kid)),
    ],
    "alg none": [
      "unknown_host",
      (host) => {
        const [, claims] = tokenOf(host, "body").split(".");
        return `${Buffer.from(JSON.stringify({ ...header(host.kid), alg: "none" })).toString("base64url")}.${claims}.`;
      },
    ],
    "alg none over a signature": [
      "unknown_host",
      (host) => forged(host, { ...header(host.kid), alg: "none" }, claimsOf(host.kid)),
    ],
    "HS256 with the public key for a secret": [
      "unknown_host",
      (host) => {
        const parts = [{ ...header(host.kid), alg: "HS256" }, claimsOf(host.kid)];
        const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
        const mac = createHmac("sha256", Buffer.from(host.jwk.x, "base64url")).update(text).digest("base64url");
        return `${text}.${mac}`;
      },
    ],
    "no signature": ["unknown_host", (host) => tokenOf(host, "body").replace(/[^.]*$/, "")],
    "a changed signature": [
      "unknown_host",
      (host) => tokenOf(host, "body").replace(/.{4}$/, (end) => (end === "AAAA" ? "BBBB" : "AAAA")),
    ],
    "an ordinary token's type": [
      "unknown_host",
      (host) => forged(host, { ...header(host.kid), typ: "JWT" }, claimsOf(host.kid)),
    ],
    "no type": ["unknown_host", (host) => forged(host, { alg: "EdDSA", kid: host.kid }, claimsOf(host.kid))],
    "a proof in the place of a token": [
      "unknown_host",
      (host) => signHostProof(host, { audience, invite: "i", nowMs: startMs }),
    ],
    "a key of its own in the header": [
      "unknown_host",
      (host, other) => forged(other, { ...header(host.kid), jwk: publicOf(other) }, claimsOf(host.kid)),
    ],
    "an extension (crit)": [
      "unknown_host",
      (host) => forged(host, { ...header(host.kid), crit: ["b64"], b64: true }, claimsOf(host.kid)),
    ],
    "a kid that is a path": ["unknown_host", (host) => forged(host, header("../../etc/passwd"), claimsOf(host.kid))],
    "a kid that is a list": [
      "unknown_host",
      (host) => forged(host, { ...header(""), kid: [host.kid] }, claimsOf(host.kid)),
    ],
  };

test("a token is believed of its own host, for its own body, and in no other way", async (t) => {
  const centre = await createCentre(t);
  const [host, other] = [createHostKey(), createHostKey()];
  await centre.enrol(host, await centre.invite());
  await centre.enrol(other, await centre.invite());
  assert.equal(((await centre.gate(tokenOf(host, "body"), "body")) as { originId: string }).originId, host.kid);
  const whole = forged(host, header(host.kid), claimsOf(host.kid));
  assert.equal(((await centre.gate(whole, "body")) as { originId: string }).originId, host.kid);
  for (const [name, [code, token]] of Object.entries(badTokens)) {
    await assert.rejects(centre.gate(token(host, other), "body"), refusedWith(code), name);
  }
  // The same token at another address, as somebody between both would bring it there.
  await assert.rejects(
    centre.gate(tokenOf(host, "body"), "body", "https://central.example"),
    refusedWith("unknown_host"),
  );
});

test("a host that was revoked is refused within five seconds, by each of its keys, and by no other's", async (t) => {
  const centre = await createCentre(t);
  const [host, other] = [createHostKey(), createHostKey()];
  await centre.enrol(host, await centre.invite());
  await centre.enrol(other, await centre.invite());
  const next = createHostKey();
  await centre.rotate(host, next);
  await centre.gate(tokenOf(host));
  await assert.rejects(revokeHost(centre, "web-01", false, startMs), refusal("usage", /2 hosts are called 'web-01'/));
  await assert.rejects(revokeHost(centre, "web-02", false, startMs), refusal("not_found", /no host 'web-02'/));
  await revokeHost(centre, host.kid, false, startMs);
  centre.clock.nowMs += 5_001;
  for (const key of [host, next]) {
    await assert.rejects(centre.gate(tokenOf(key, "", centre.clock.nowMs)), refusedWith("revoked"));
    // Who cannot sign does not learn of it.
    await assert.rejects(centre.gate(tokenOf(key, "x", centre.clock.nowMs)), refusedWith("unknown_host"));
  }
  await assert.rejects(centre.rotate(host, createHostKey()), refusedWith("revoked"));
  await centre.gate(tokenOf(other, "", centre.clock.nowMs));
});

test("an open invitation ends with its host's name", async (t) => {
  const centre = await createCentre(t);
  const ticket = await centre.invite();
  const { hosts, invites } = await revokeHost(centre, "web-01", false, startMs);
  assert.deepEqual([hosts.length, invites.map(({ id }) => id)], [0, [ticket.id]]);
  await assert.rejects(centre.enrol(createHostKey(), ticket), refusedWith("invite_expired"));
});

test("a new key is good when it is used first, the old one until then, and the origin stays", async (t) => {
  const centre = await createCentre(t);
  const [host, next] = [createHostKey(), createHostKey()];
  await centre.enrol(host, await centre.invite());
  const answer = await centre.rotate(host, next);
  assert.equal((answer as { origin: string }).origin, host.kid);
  assert.deepEqual(await centre.rotate(host, next), answer);
  await centre.gate(tokenOf(host));
  assert.deepEqual(await centre.gate(tokenOf(next)), {
    originId: host.kid,
    name: "web-01",
    username: null,
    kid: next.kid,
  });
  await assert.rejects(centre.gate(tokenOf(host)), refusedWith("unknown_host"));
  assert.ok(centre.log.some((line) => line.startsWith("! replaced key used")));
  await assert.rejects(centre.rotate(host, createHostKey()), refusedWith("unknown_host"));
  origins.set(next.kid, host.kid);
  await assert.rejects(centre.rotate(next, host), refusedWith("key_taken"));
});

test("nobody's key is changed to one that is not shown, or is another's", async (t) => {
  const centre = await createCentre(t);
  const [host, other, next] = [createHostKey(), createHostKey(), createHostKey()];
  await centre.enrol(host, await centre.invite());
  await centre.enrol(other, await centre.invite());
  await assert.rejects(centre.rotate(host, other), refusedWith("key_taken"));
  await assert.rejects(centre.rotate(createHostKey(), next), refusedWith("unknown_host"));
  const proofs = {
    "for another host": signHostProof(next, { audience, invite: other.kid, nowMs: startMs }),
    "by another key": signHostProof(createHostKey(), { audience, invite: host.kid, nowMs: startMs }),
    none: undefined,
  };
  await assert.rejects(centre.rotate(host, next, { proof: proofs["for another host"] }), refusedWith("proof"));
  await assert.rejects(centre.rotate(host, next, { proof: proofs["by another key"] }), refusedWith("proof"));
  await assert.rejects(centre.rotate(host, next, { proof: proofs.none }), refusal("invalid", /proof/));
  for (const { keys } of await centre.store.enrolledHosts()) assert.equal(keys.length, 1);
  // A rotation that was begun and not finished gives way to the next one.
  await centre.rotate(host, next);
  const third = createHostKey();
  await centre.rotate(host, third);
  await assert.rejects(centre.gate(tokenOf(next)), refusedWith("unknown_host"));
  await centre.gate(tokenOf(third));
});

test("what is no request is refused in words, and what a newer host sends beside it is not looked at", async (t) => {
  const centre = await createCentre(t);
  const ticket = await centre.invite();
  const key = createHostKey();
  const bodies = [{ format: 2 }, { jwk: undefined }, { jwk: { ...key.jwk, crv: "X" } }, { proof: 7 }, { hostname: "" }];
  for (const changes of bodies) await assert.rejects(centre.enrol(key, ticket, changes), refusal("invalid", /./));
  await centre.enrol(key, ticket, { later: true });
});

test("a name or a time that cannot be is refused before anything is kept", async (t) => {
  const { store } = await createCentre(t);
  const fit = { name: "web-01", username: null, ttlMs: 1_000 };
  for (const name of ["", " x", "-x", "a\nb", "x".repeat(256)]) {
    await assert.rejects(inviteHost({ store }, { ...fit, name }), refusal("usage", /no name of a host/));
    await assert.rejects(inviteHost({ store }, { ...fit, username: name }), refusal("usage", /no name of a user/));
  }
  for (const ttlMs of [0, 31 * 86_400_000]) {
    await assert.rejects(inviteHost({ store }, { ...fit, ttlMs }), refusal("usage", /30 days/));
  }
  assert.deepEqual(await store.invites(), []);
});

test("a record that moves to another store takes its hosts and invitations along", async (t) => {
  const centre = await createCentre(t);
  const [host, target] = [createHostKey(), await openAt(sqlitePlace(t), t)];
  await centre.enrol(host, await centre.invite());
  await centre.invite();
  for (let times = 0; times < 2; times += 1) await migrate(centre.store, target, () => {});
  assert.deepEqual(await target.enrolledHosts(), await centre.store.enrolledHosts());
  assert.deepEqual(await target.invites(), await centre.store.invites());
  const log: Log = { info() {}, warning() {}, error() {} };
  const gate = openHostGate({ store: target, log });
  const token = signHostToken(host, { audience, body: "", nowMs: Date.now() });
  assert.equal((await gate(token, { body: Buffer.from(""), audience })).originId, host.kid);
});
