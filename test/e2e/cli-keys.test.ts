/** Proves the life of keys on the command line: made, used by servers, rotated while clients go on, published, dropped. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { connect } from "../support/server/transports.ts";

const keyId = /^[\w-]{43}\n$/;
const invalid = "❌ Authentication failed: Invalid token";

async function keys(sandbox: Sandbox, ...args: readonly string[]) {
  const printed = await runWell(sandbox, ["token", "keys", ...args, "--file", "keys.json", "--json"]);
  return JSON.parse(printed) as readonly { kid: string; algorithm: string; use: string }[];
}

for (const algorithm of ["EdDSA", "ES256"]) {
  test(`a new ${algorithm} key is private, named, and signs tokens that servers with its public part accept`, async (t) => {
    const sandbox = createSandbox(t);
    const file = join(sandbox.folder, "keys.json");
    const create = ["token", "keys", "create", "--algorithm", algorithm, "--file", file];
    const kid = await runWell(sandbox, create);
    assert.match(kid, keyId);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const before = readFileSync(file, "utf8");
    assertRefused(await sandbox.run(create), 2, /keys\.json is there already/);
    assert.equal(readFileSync(file, "utf8"), before);

    const signer = { SESSION_BUDDY_KEYS_FILE: file };
    const made = JSON.parse(await runWell(sandbox, ["token", "--json"], { env: signer }));
    assert.deepEqual([made.algorithm, `${made.kid}\n`], [algorithm, kid]);
    const published = join(sandbox.folder, "public.json");
    writeFileSync(published, await runWell(sandbox, ["token", "keys", "export"], { env: signer }));
    chmodSync(published, 0o644);
    assert.doesNotMatch(readFileSync(published, "utf8"), /"d"/);
    const verifier = { SESSION_BUDDY_KEYS_FILE: published };
    for (const env of [signer, verifier]) {
      const server = await connect(t, sandbox, "HTTP", { env });
      assert.match(server.log(), /authentication=on/);
      assert.equal((await server.start({ token: made.token })).status, "tracked");
      assert.match(String((await server.start({})).error), /Token required/);
      assert.equal((await server.start({ token: await tokenMakers.hand(claims()) })).error, invalid);
    }
    assertRefused(await sandbox.run(["token"], { env: verifier }), 4, /only public keys, which cannot sign/);
    const rotate = ["token", "keys", "rotate", "--file", published];
    assertRefused(await sandbox.run(rotate), 2, /only public keys; rotate where the private key is/);
  });
}

test("after a rotation the new key signs, tokens of the old one go on until it is dropped, and its private part is gone", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "keys.json");
  const env = { SESSION_BUDDY_KEYS_FILE: file };
  const token = async () => (await runWell(sandbox, ["token"], { env })).trimEnd();
  const isAccepted = async (input: string) => (await sandbox.run(["token", "verify"], { env, input })).status === 0;
  await runWell(sandbox, ["token", "keys", "create", "--file", file]);
  const [first] = await keys(sandbox, "list");
  const old = await token();
  const oldPrivate = JSON.parse(readFileSync(file, "utf8")).keys[0].d;
  const rotated = await keys(sandbox, "rotate", "--algorithm", "ES256");
  assert.deepEqual(
    rotated.map(({ algorithm, use }) => [algorithm, use]),
    [
      ["ES256", "signs"],
      ["EdDSA", "verifies"],
    ],
  );
  assert.deepEqual(await keys(sandbox, "list"), rotated);
  assert.ok(!readFileSync(file, "utf8").includes(oldPrivate));
  const fresh = await token();
  assert.deepEqual([await isAccepted(old), await isAccepted(fresh)], [true, true]);

  const drop = (...kids: readonly string[]) => sandbox.run(["token", "keys", "drop", ...kids], { env });
  assertRefused(await drop("unknown"), 1, /holds no key 'unknown'/);
  assertRefused(await drop(String(rotated[0]?.kid)), 2, /the signing key and the last key cannot be dropped/);
  assert.deepEqual(await keys(sandbox, "drop", String(first?.kid)), rotated.slice(0, 1));
  assert.deepEqual([await isAccepted(old), await isAccepted(fresh)], [false, true]);

  const [only, ...others] = await keys(sandbox, "rotate", "--drop");
  assert.deepEqual([only?.algorithm, others], ["ES256", []], "the kind of the key that signed is kept");
  assert.equal(await isAccepted(fresh), false);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("a person sees the keys as a table", async (t) => {
  const sandbox = createSandbox(t);
  await runWell(sandbox, ["token", "keys", "create", "--file", "keys.json"]);
  const table = await runWell(sandbox, ["token", "keys", "rotate", "--file", "keys.json"]);
  assert.match(table, /^KID +ALGORITHM +USE\n[\w-]{43} +EdDSA +signs\n[\w-]{43} +EdDSA +verifies\n$/);
  assert.equal(await runWell(sandbox, ["token", "keys", "list", "--file", "keys.json"]), table);
});

test("a keys file that others can read, or that holds no keys, stops the server and the commands in words", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "keys.json");
  await runWell(sandbox, ["token", "keys", "create", "--file", file]);
  const env = { SESSION_BUDDY_KEYS_FILE: file };
  const held = String(JSON.parse(readFileSync(file, "utf8")).keys[0].d);
  const commands = [["serve", "--port", "0"], ["token"], ["token", "verify"], ["token", "keys", "list"]];
  for (const [damage, words] of [
    [() => chmodSync(file, 0o640), /the keys file \S+ is open to other users; close it with: chmod 600/],
    [
      () => writeFileSync(file, `{"keys":[{"d":"${held}"}]}`, { mode: 0o600 }),
      /key 1 is of a kind that is not supported/,
    ],
  ] as const) {
    damage();
    for (const args of commands) {
      const refused = await sandbox.run(args, { env });
      assertRefused(refused, 4, words);
      assert.ok(!refused.stderr.includes(held));
    }
    chmodSync(file, 0o600);
  }
});

test("secrets rotate while a server accepts tokens of both, and the way from a secret to keys has no gap", async (t) => {
  const sandbox = createSandbox(t);
  const fresh = "f".repeat(40);
  const old = await tokenMakers.hand(claims());
  await runWell(sandbox, ["token", "keys", "create", "--file", "keys.json"]);
  const keysFile = { SESSION_BUDDY_KEYS_FILE: join(sandbox.folder, "keys.json") };
  for (const env of [
    {
      SESSION_BUDDY_SECRET: fresh,
      SESSION_BUDDY_PREVIOUS_SECRETS: `${"x".repeat(32)} ${secret.replaceAll(/[ ,]/g, "")}`,
    },
    { ...keysFile, SESSION_BUDDY_PREVIOUS_SECRETS: secret.replaceAll(/[ ,]/g, "") },
  ]) {
    const { start } = await connect(t, sandbox, "HTTP", { env });
    const previous = await tokenMakers.hand(claims(), { secret: secret.replaceAll(/[ ,]/g, "") });
    const made = (await runWell(sandbox, ["token"], { env })).trimEnd();
    for (const token of [previous, made]) assert.equal((await start({ token })).status, "tracked");
    assert.equal((await start({ token: old })).error, invalid);
  }
  const alone = await sandbox.run(["serve", "--port", "0"], { env: { SESSION_BUDDY_PREVIOUS_SECRETS: fresh } });
  assertRefused(alone, 4, /there are previous secrets but no current one; set SESSION_BUDDY_SECRET/);
});
