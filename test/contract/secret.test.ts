/** Proves where the secret and the issuers come from, that a bad secret is refused in words, and that our tokens work. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertRefused, runWell } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { connect, transportKinds } from "../support/server/transports.ts";

const longEnough = ["s".repeat(32), "é".repeat(16), ` ${"s".repeat(30)},`];
const invalid = "❌ Authentication failed: Invalid token";

function secretFile(folder: string, text: string | Buffer, mode = 0o600): Readonly<Record<string, string>> {
  const file = join(folder, "secret");
  writeFileSync(file, text);
  chmodSync(file, mode);
  return { SESSION_BUDDY_SECRET_FILE: file };
}

for (const mode of [["--port", "0"], ["--stdio"]]) {
  test(`serve ${mode[0]} does not start with a bad secret and says how to make a good one`, async (t) => {
    const sandbox = createSandbox(t);
    const { folder } = sandbox;
    const bad: readonly (readonly [env: Readonly<Record<string, string>>, words: RegExp])[] = [
      [{ SESSION_BUDDY_SECRET: "" }, /SESSION_BUDDY_SECRET is empty; .*session-buddy token secret/],
      [{ SESSION_BUDDY_SECRET: "s".repeat(31) }, /is shorter than 32 bytes; .*session-buddy token secret/],
      [{ SESSION_BUDDY_SECRET: "", ...secretFile(folder, secret) }, /SESSION_BUDDY_SECRET is empty/],
      [{ SESSION_BUDDY_SECRET_FILE: join(folder, "gone") }, /SESSION_BUDDY_SECRET_FILE cannot be read/],
      [{ SESSION_BUDDY_SECRET_FILE: folder }, /SESSION_BUDDY_SECRET_FILE cannot be read|chmod 600/],
      [{ SESSION_BUDDY_SECRET_FILE: "" }, /SESSION_BUDDY_SECRET_FILE cannot be read/],
    ];
    for (const [env, words] of bad) assertRefused(await sandbox.run(["serve", ...mode], { env }), 4, words);
    for (const [text, permissions, words] of [
      ["", 0o600, /is empty; .*session-buddy token secret/],
      [`${"s".repeat(31)}\n`, 0o600, /is shorter than 32 bytes/],
      [" ".repeat(32), 0o600, /holds nothing but blanks and commas; .*session-buddy token secret/],
      [",\n".repeat(20), 0o600, /holds nothing but blanks and commas/],
      [secret, 0o640, /open to other users; .*chmod 600/],
      [secret, 0o604, /open to other users; .*chmod 600/],
    ] as const) {
      const env = secretFile(folder, text, permissions);
      const outcome = await sandbox.run(["serve", ...mode], { env });
      assertRefused(outcome, 4, words);
      assert.ok(!outcome.stderr.includes(secret));
    }
  });
}

for (const kind of transportKinds) {
  test(`over ${kind}, a secret of 32 bytes is enough, and one from a file ends before its newline`, async (t) => {
    const sandbox = createSandbox(t);
    for (const key of longEnough) {
      const { start } = await connect(t, sandbox, kind, { env: { SESSION_BUDDY_SECRET: key } });
      const token = await tokenMakers.hand(claims(), { secret: key });
      assert.equal((await start({ token })).status, "tracked");
    }
    const { start } = await connect(t, sandbox, kind, { env: secretFile(sandbox.folder, `${secret}\n`, 0o400) });
    assert.equal((await start({ token: await tokenMakers.jose(claims()) })).status, "tracked");
  });

  test(`over ${kind}, a secret of any bytes is those bytes to every library, and to nobody another's`, async (t) => {
    const sandbox = createSandbox(t);
    const bytes = Buffer.from([...Array.from({ length: 32 }, (_, index) => 0x80 + index), 0x0d, 0x00, 0xff]);
    const { start } = await connect(t, sandbox, kind, {
      env: secretFile(sandbox.folder, Buffer.concat([bytes, Buffer.from("\n")])),
    });
    for (const make of [tokenMakers.hand, tokenMakers.jose]) {
      assert.equal((await start({ token: await make(claims(), { secret: bytes }) })).status, "tracked");
    }
    // What the bytes become where they are taken for text.
    const others = [Buffer.from(bytes.toString("utf8")), Buffer.from(bytes.toString("latin1")), bytes.fill(0x81, 0, 1)];
    for (const other of others) {
      assert.equal((await start({ token: await tokenMakers.hand(claims(), { secret: other }) })).error, invalid);
    }
    const short = await sandbox.run(["token"], { env: secretFile(sandbox.folder, Buffer.alloc(31, 0x80)) });
    assertRefused(short, 4, /is shorter than 32 bytes/);
  });

  test(`over ${kind}, what "session-buddy token" prints is accepted`, async (t) => {
    const sandbox = createSandbox(t);
    const made = (await runWell(sandbox, ["token", "secret"])).trim();
    const env = { SESSION_BUDDY_SECRET: made };
    const { start } = await connect(t, sandbox, kind, { env });
    for (const args of [[], ["create"], ["--user-id", "ci", "--ttl", "15m"]]) {
      const token = (await runWell(sandbox, ["token", ...args], { env })).trim();
      assert.equal((await start({ token })).status, "tracked");
    }
    const foreign = (await runWell(sandbox, ["token", "--issuer", "other"], { env })).trim();
    assert.equal((await start({ token: foreign })).error, invalid);
  });

  test(`over ${kind}, the issuers of the environment or the settings take the place of the default`, async (t) => {
    const sandbox = createSandbox(t);
    const acceptedOf = async (env: Readonly<Record<string, string>>) => {
      const { start } = await connect(t, sandbox, kind, { env: { SESSION_BUDDY_SECRET: secret, ...env } });
      const accepted: string[] = [];
      for (const iss of ["session-buddy", "one", "two", "three"]) {
        const { error } = await start({ token: await tokenMakers.hand(claims({ iss })) });
        if (error === null) accepted.push(iss);
        else assert.equal(error, invalid);
      }
      return accepted;
    };
    assert.deepEqual(await acceptedOf({}), ["session-buddy"]);
    await runWell(sandbox, ["config", "set", "issuers", "three"]);
    assert.deepEqual(await acceptedOf({}), ["three"]);
    assert.deepEqual(await acceptedOf({ SESSION_BUDDY_ISSUERS: "one, two" }), ["one", "two"]);
  });
}
