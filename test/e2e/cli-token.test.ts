/** Proves the commands that make, verify and show tokens: what they print, to whom, with which exit status. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";

const env = { SESSION_BUDDY_SECRET: secret };
const now = Math.floor(Date.now() / 1000);

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

test("claims of one's own are JSON where they can be, and text where a number would be changed", async (t) => {
  const sandbox = createSandbox(t);
  const pairs: readonly (readonly [pair: string, value: unknown])[] = [
    ["a=1", 1],
    ["b=true", true],
    ["c=null", null],
    ['d=["x",{"y":1}]', ["x", { y: 1 }]],
    ['e="1"', "1"],
    ["f=007", "007"],
    ["g=1.0", "1.0"],
    ["h=12345678901234567890", "12345678901234567890"],
    ["i=web admin", "web admin"],
    ["j=x=y", "x=y"],
    ["k=", ""],
    ["l={", "{"],
    ["m=-1.5", -1.5],
  ];
  const args = ["token", "--claim", ...pairs.map(([pair]) => pair), "--audience", "session-buddy"];
  const made = claimsOf((await runWell(sandbox, args, { env })).trimEnd());
  for (const [pair, value] of pairs) assert.deepEqual(made[pair.slice(0, 1)], value, pair);
  assert.equal(made.aud, "session-buddy");
  for (const name of ["user_id", "exp", "iat", "nbf", "iss", "type", "aud"]) {
    const refused = await sandbox.run(["token", "--claim", `${name}=1`], { env });
    assertRefused(refused, 2, new RegExp(`the claim ${name} cannot be set with --claim`));
  }
});

test("a life of more than 7 days is worth a warning, and the token is on standard output alone", async (t) => {
  const sandbox = createSandbox(t);
  const lives: readonly (readonly [ttl: string, seconds: number, isLong: boolean])[] = [
    ["90s", 90, false],
    ["15m", 900, false],
    ["24h", 86_400, false],
    ["7d", 604_800, false],
    ["604801s", 604_801, true],
    ["2w", 1_209_600, true],
  ];
  for (const [ttl, seconds, isLong] of lives) {
    const { status, stdout, stderr } = await sandbox.run(["token", "create", "--ttl", ttl], { env });
    assert.equal(status, 0);
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const { exp, iat } = claimsOf(stdout.trimEnd());
    assert.equal(Number(exp) - Number(iat), seconds);
    assert.match(stderr, isLong ? /^warning: [^\n]*more than 7 days[^\n]*\n$/ : /^$/);
  }
});

/** What is on standard input, and the exit status that tells why. */
const verified: readonly (readonly [name: string, input: () => Promise<string>, status: number, outcome: string])[] = [
  ["a good token", () => tokenMakers.jose(claims()), 0, "accepted"],
  ["a good token and its line end", async () => `${await tokenMakers.hand(claims())}\n`, 0, "accepted"],
  ["nothing", async () => "", 3, "malformed"],
  ["what is no JWT", async () => "garbage", 3, "malformed"],
  ["a token with Bearer", async () => `Bearer ${await tokenMakers.hand(claims())}`, 3, "malformed"],
  ["a megabyte", async () => "x".repeat(1 << 20), 3, "malformed"],
  ["an expired token", () => tokenMakers.hand(claims({ exp: now - 60 })), 4, "expired"],
  ["another type", () => tokenMakers.hand(claims({ type: "refresh" })), 4, "invalid"],
  ["another secret", () => tokenMakers.hand(claims(), { secret: "x".repeat(32) }), 4, "invalid"],
  ["no algorithm", () => tokenMakers.hand(claims(), { alg: "none" }), 4, "invalid"],
];

test("token verify says each check with its verdict, and by its exit status the cause", async (t) => {
  const sandbox = createSandbox(t);
  for (const [name, input, status, outcome] of verified) {
    const token = await input();
    const json = await sandbox.run(["token", "verify", "--json"], { env, input: token });
    assert.deepEqual([json.status, json.stderr], [status, ""], name);
    const answer = JSON.parse(json.stdout);
    assert.equal(answer.outcome, outcome, name);
    assert.equal(answer.user_id, status === 0 ? "admin-shell" : null);
    const table = await sandbox.run(["token", "verify", "-"], { env, input: token });
    assert.equal(table.status, status, name);
    const rows = table.stdout.split("\n\n", 1)[0]?.trimEnd().split("\n").slice(1) ?? [];
    assert.deepEqual(
      rows.map((row) => row.split(/ {2,}/).slice(0, 2)),
      answer.checks.map(({ check, verdict }: Record<string, string>) => [check, verdict?.replace("_", " ")]),
    );
    assert.ok(!json.stdout.includes(secret) && !table.stdout.includes(secret));
  }
});

test("token verify knows the server's issuers, reads a file, and refuses what it cannot do", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "token.txt");
  writeFileSync(file, `${await tokenMakers.hand(claims({ iss: "ci" }))}\r\n`);
  const args = ["token", "verify", "--file", file];
  const issuers = { ...env, SESSION_BUDDY_ISSUERS: "other,ci" };
  assert.equal((await sandbox.run(args, { env })).status, 4);
  assert.match(await runWell(sandbox, args, { env: issuers }), /^iss +ok +ci$/m);
  assertRefused(await sandbox.run(args), 4, /there is no secret to verify with; set SESSION_BUDDY_SECRET/);
  assertRefused(await sandbox.run([...args.slice(0, 3), `${file}.gone`], { env }), 5, /cannot be read: ENOENT/);
  const token = await tokenMakers.hand(claims());
  for (const command of ["verify", "inspect"]) {
    const refused = await sandbox.run(["token", command, token], { env });
    assertRefused(refused, 2, /a token must not be an argument/);
    assert.ok(!refused.stderr.includes(token.slice(0, 20)));
  }
});

async function inspected(sandbox: Sandbox, input: string, ...args: readonly string[]) {
  const outcome = await sandbox.run(["token", "inspect", ...args], { input });
  assert.match(outcome.stderr, /^NOT VERIFIED: /);
  assert.equal(outcome.status, 0);
  return outcome.stdout;
}

test("token inspect shows every token without a secret, loudly unverified, hostile text made safe", async (t) => {
  const sandbox = createSandbox(t);
  const times = { iat: 0, nbf: 1_770_381_296.5, exp: 253_402_300_799 };
  const token = await tokenMakers.hand(claims({ ...times, user_id: "\u001b[2J\n", x: { y: 1 } }), { alg: "none" });
  const text = await inspected(sandbox, token);
  assert.match(text, /^header\.alg +none$/m);
  assert.match(text, /^iat +0 +1970-01-01T00:00:00Z$/m);
  assert.match(text, /^nbf +1770381296\.5 +2026-02-06T12:34:56Z$/m);
  assert.match(text, /^exp +253402300799 +9999-12-31T23:59:59Z$/m);
  assert.match(text, /^x +\{"y":1\}$/m);
  assert.match(text, /^user_id +\\x1b\[2J\\n$/m);
  const json = await inspected(sandbox, token, "--json");
  assert.ok(!json.includes("\u001b"));
  const { verified: isVerified, expires_at: expiresAt, claims: shown } = JSON.parse(json);
  assert.deepEqual([isVerified, expiresAt, shown.user_id], [false, "9999-12-31T23:59:59Z", "\u001b[2J\n"]);
  const odd = JSON.parse(await inspected(sandbox, await tokenMakers.hand({ exp: "soon", iat: 1e300 }), "--json"));
  assert.deepEqual([odd.expires_at, odd.issued_at, odd.valid_from], [null, null, null]);
  assertRefused(await sandbox.run(["token", "inspect"], { input: "a.b" }), 3, /not three base64url parts/);
});

test("token --scope makes the words that a server knows, and verify and inspect say what they allow", async (t) => {
  const sandbox = createSandbox(t);
  const made: readonly (readonly [words: readonly string[], claim: string | undefined, allows: string])[] = [
    [[], undefined, "reads everybody's sessions, records"],
    [["read:own"], "read:own", "reads its own user's sessions, records nothing"],
    [["read:all"], "read:all", "reads everybody's sessions, records nothing"],
    [["write"], "write", "reads nothing, records"],
    [["read:own", "write"], "read:own write", "reads its own user's sessions, records"],
    [["admin"], "admin", "reads everybody's sessions, records"],
  ];
  for (const [words, claim, allows] of made) {
    const scope = words.length === 0 ? [] : ["--scope", ...words];
    const token = (await runWell(sandbox, ["token", "--user-id", "ann", ...scope], { env })).trimEnd();
    assert.equal(claimsOf(token).scope, claim);
    const json = await runWell(sandbox, ["token", "verify", "--json"], { env, input: token });
    assert.equal(JSON.parse(json).allows, allows);
    const table = await runWell(sandbox, ["token", "verify"], { env, input: token });
    assert.ok(table.endsWith(`\n\nA token like this ${allows}.\n`), table);
    assert.equal(JSON.parse(await inspected(sandbox, token, "--json")).allows, allows);
    const shown = new RegExp(`^scope +${claim} +${allows}$`, "m");
    if (claim !== undefined) assert.match(await inspected(sandbox, token), shown);
  }
  const refused = await sandbox.run(["token", "verify", "--json"], { env, input: await tokenMakers.hand({}) });
  assert.equal(JSON.parse(refused.stdout).allows, null);
  const unknown = await sandbox.run(["token", "--scope", "read:everything"], { env });
  assert.deepEqual([unknown.status, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /Allowed choices are read:own, read:all, write, admin/);
  const both = ["token", "--scope", "read:own", "--claim", "scope=admin"];
  assertRefused(await sandbox.run(both, { env }), 2, /use either --scope or --claim scope=/);
});
