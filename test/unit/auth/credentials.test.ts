/** Proves where secrets and keys come from, which one signs, which verify, and which are refused in words. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { openCredentials, openGate } from "../../../src/auth/credentials.ts";
import { formatKeySet, generateKey, toPublicKeySet } from "../../../src/auth/key-set.ts";
import { createAccessToken, verifyToken } from "../../../src/auth/tokens.ts";
import { credentialSources } from "../../../src/config/environment.ts";
import { refusal } from "../../support/refusals.ts";
import { claims, tokenMakers } from "../../support/server/jwt.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const [one, two, three] = ["1", "2", "3"].map((digit) => digit.repeat(32)) as [string, string, string];
const issuers = ["session-buddy"];
const admin = { userId: "admin", issuer: "session-buddy", ttlSeconds: 60 };
type Env = Readonly<Record<string, string>>;

const open = (env: Env) => openCredentials(credentialSources(env));
const tokenOf = async (env: Env) => (await createAccessToken(credentialSources(env), admin)).token;
const outcomeOf = async (env: Env, token: string) =>
  (await verifyToken(credentialSources(env), token, issuers)).outcome;

function file(t: TestContext, text: string | Buffer, mode = 0o600): string {
  const path = join(temporaryFolder(t), "file");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** The names of what verifies, after the name of what signs. */
async function namesIn(env: Env): Promise<readonly (string | undefined)[] | null> {
  const credentials = await open(env);
  return credentials && [credentials.signing?.name, ...credentials.verifying.map(({ name }) => name)];
}

test("without anything, authentication is off; blank lists of previous secrets are nothing, commas alone are a mistake", async (t) => {
  assert.equal(await open({}), null);
  assert.equal(await openGate(credentialSources({}), issuers), null);
  for (const blank of ["", " ", " \n"]) assert.equal(await open({ SESSION_BUDDY_PREVIOUS_SECRETS: blank }), null);
  for (const blank of ["", "\n\n", "\r\n"]) {
    assert.equal(await open({ SESSION_BUDDY_PREVIOUS_SECRETS_FILE: file(t, blank) }), null);
  }
  for (const commas of [",", " , \n", ",,,"]) {
    await assert.rejects(
      open({ SESSION_BUDDY_PREVIOUS_SECRETS: commas }),
      refusal("auth.secret", /^SESSION_BUDDY_PREVIOUS_SECRETS holds commas but no secret; unset it/),
    );
  }
});

test("the secret is the variable's, else the file's without its last line end", async (t) => {
  const token = await tokenOf({ SESSION_BUDDY_SECRET: one });
  for (const text of [one, `${one}\n`, `${one}\r\n`]) {
    assert.equal(await outcomeOf({ SESSION_BUDDY_SECRET_FILE: file(t, text) }, token), "accepted");
  }
  for (const text of [`${one}\n\n`, ` ${one}`, `${one} `]) {
    assert.equal(await outcomeOf({ SESSION_BUDDY_SECRET_FILE: file(t, text) }, token), "invalid");
  }
});

test("with the variable and the file both set, the variable wins and the file is not read", async (t) => {
  const both = { SESSION_BUDDY_SECRET: one, SESSION_BUDDY_SECRET_FILE: file(t, two) };
  assert.equal(await outcomeOf(both, await tokenOf({ SESSION_BUDDY_SECRET: one })), "accepted");
  assert.equal(await outcomeOf(both, await tokenOf({ SESSION_BUDDY_SECRET: two })), "invalid");
  assert.notEqual(await open({ ...both, SESSION_BUDDY_SECRET_FILE: "/missing" }), null);
  const previous = { SESSION_BUDDY_SECRET: one, SESSION_BUDDY_PREVIOUS_SECRETS: two };
  assert.notEqual(await open({ ...previous, SESSION_BUDDY_PREVIOUS_SECRETS_FILE: "/missing" }), null);
});

test("previous secrets verify and never sign; commas and white space stand between them, in a file line ends alone", async (t) => {
  const env = { SESSION_BUDDY_SECRET: one };
  const oldTokens = [await tokenOf({ SESSION_BUDDY_SECRET: two }), await tokenOf({ SESSION_BUDDY_SECRET: three })];
  const separated = [`${two},${three}`, `${two} ${three}`, `\n${two} ,\t${three}\n`];
  const rotated: Env[] = separated.map((text) => ({ ...env, SESSION_BUDDY_PREVIOUS_SECRETS: text }));
  rotated.push({ ...env, SESSION_BUDDY_PREVIOUS_SECRETS_FILE: file(t, `${two}\n\n${three}\r\n`) });
  for (const sources of rotated) {
    assert.deepEqual(await namesIn(sources), ["the secret", "the secret", "previous secret 1", "previous secret 2"]);
    for (const token of oldTokens) assert.equal(await outcomeOf(sources, token), "accepted");
    assert.equal(await outcomeOf(env, await tokenOf(sources)), "accepted");
  }
  for (const token of oldTokens) assert.equal(await outcomeOf(env, token), "invalid");
  const odd = `${"a, ".repeat(12)}z`;
  const inFile = { ...env, SESSION_BUDDY_PREVIOUS_SECRETS_FILE: file(t, `${odd}\n`) };
  assert.equal(await outcomeOf(inFile, await tokenOf({ SESSION_BUDDY_SECRET: odd })), "accepted");
});

test("a private key signs before the secret, and both verify; public keys alone leave signing to the secret", async (t) => {
  const keys = [await generateKey("EdDSA"), await generateKey("ES256")] as const;
  const env = { SESSION_BUDDY_KEYS_FILE: file(t, formatKeySet(keys)) };
  const published = { SESSION_BUDDY_KEYS_FILE: file(t, JSON.stringify(toPublicKeySet(keys)), 0o644) };
  const [first, second] = keys.map(({ kid }) => `key ${kid}`);
  const secret = { SESSION_BUDDY_SECRET: one };
  assert.deepEqual(await namesIn(env), [first, first, second]);
  assert.deepEqual(await namesIn({ ...env, ...secret }), [first, first, second, "the secret"]);
  assert.deepEqual(await namesIn({ ...published, ...secret }), ["the secret", first, second, "the secret"]);
  assert.deepEqual(await namesIn(published), [undefined, first, second]);
  const moving = { ...env, SESSION_BUDDY_PREVIOUS_SECRETS: one };
  assert.deepEqual(await namesIn(moving), [first, first, second, "previous secret 1"]);
  assert.equal(await outcomeOf(moving, await tokenOf(secret)), "accepted");
  assert.equal(await outcomeOf(published, await tokenOf(env)), "accepted");
  assert.equal(await outcomeOf(secret, await tokenOf(env)), "invalid");
  await assert.rejects(tokenOf(published), refusal("auth.secret", /holds only public keys.*SESSION_BUDDY_SECRET/));
});

test("a credential of systemd may be read by its group, which is how its access list shows, and by nobody else", async (t) => {
  const path = file(t, one, 0o440);
  const env = { SESSION_BUDDY_SECRET_FILE: path, CREDENTIALS_DIRECTORY: dirname(path) };
  assert.notEqual(await open(env), null);
  const isOpen = refusal("auth.secret", /is open to other users/);
  for (const CREDENTIALS_DIRECTORY of [undefined, "", dirname(dirname(path))]) {
    await assert.rejects(open({ ...env, CREDENTIALS_DIRECTORY } as Env), isOpen);
  }
  for (const mode of [0o460, 0o450, 0o404, 0o441]) {
    chmodSync(path, mode);
    await assert.rejects(open(env), isOpen);
  }
});

test("what cannot be used is refused by its name, with what to do, and without what it holds", async (t) => {
  const key = await generateKey("EdDSA");
  const good = { SESSION_BUDDY_SECRET: one };
  const make = /token secret$/;
  const previous = "SESSION_BUDDY_PREVIOUS_SECRETS";
  const cases: readonly (readonly [env: Env, words: RegExp])[] = [
    [{ SESSION_BUDDY_SECRET: "" }, /^SESSION_BUDDY_SECRET is empty; /],
    [{ SESSION_BUDDY_SECRET: "s".repeat(31) }, /^SESSION_BUDDY_SECRET is shorter than 32 bytes; /],
    [{ SESSION_BUDDY_SECRET: `${"é".repeat(15)}s` }, make],
    [
      { SESSION_BUDDY_SECRET: " ,\t\n".repeat(8) },
      /^SESSION_BUDDY_SECRET holds nothing but blanks and commas; .*secret$/,
    ],
    [{ SESSION_BUDDY_SECRET: "\uFFFD".repeat(11) }, /^SESSION_BUDDY_SECRET is not UTF-8; .*SESSION_BUDDY_SECRET_FILE/],
    [{ ...good, [previous]: `${two},${"\uFFFD".repeat(11)}` }, /^SESSION_BUDDY_PREVIOUS_SECRETS is not UTF-8; /],
    [
      { SESSION_BUDDY_SECRET_FILE: file(t, `${" ".repeat(40)}\n`) },
      /^the secret in \S+ holds nothing but blanks and commas/,
    ],
    [{ ...good, [`${previous}_FILE`]: file(t, `${",".repeat(40)}\n`) }, /^secret 1 of \S+ holds nothing but blanks/],
    [{ SESSION_BUDDY_SECRET_FILE: file(t, "") }, /^the secret in \S+ is empty; /],
    [{ SESSION_BUDDY_SECRET_FILE: file(t, two, 0o640) }, /secret file \S+ is open to other users; .*chmod 600/],
    [{ ...good, [previous]: `${two},short` }, /^secret 2 of SESSION_BUDDY_PREVIOUS_SECRETS is shorter than 32 bytes; /],
    [{ ...good, [`${previous}_FILE`]: file(t, `${two}\nshort`) }, /^secret 2 of \S+ is shorter/],
    [{ ...good, [`${previous}_FILE`]: file(t, two, 0o644) }, /secret file \S+ is open to other users/],
    [{ ...good, [`${previous}_FILE`]: "" }, /^SESSION_BUDDY_PREVIOUS_SECRETS_FILE cannot be read/],
    [{ [previous]: two }, /^there are previous secrets but no current one; set SESSION_BUDDY_SECRET/],
    [{ [`${previous}_FILE`]: file(t, two) }, /^there are previous secrets but no current one/],
    [{ SESSION_BUDDY_KEYS_FILE: "" }, /^SESSION_BUDDY_KEYS_FILE cannot be read/],
    [{ ...good, SESSION_BUDDY_KEYS_FILE: "/missing" }, /^SESSION_BUDDY_KEYS_FILE cannot be read: ENOENT/],
    [{ SESSION_BUDDY_KEYS_FILE: file(t, formatKeySet([key]), 0o644) }, /keys file \S+ is open to other users/],
    [
      { SESSION_BUDDY_KEYS_FILE: file(t, JSON.stringify(toPublicKeySet([key])), 0o664) },
      /keys file \S+ is open to other users/,
    ],
    [{ ...good, SESSION_BUDDY_KEYS_FILE: file(t, "{}") }, /^the keys file \S+ cannot be used: it contains no keys/],
  ];
  for (const [env, words] of cases) {
    const refused = await open(env).catch((error: Error) => error);
    refusal("auth.secret", words)(refused);
    for (const secret of [one, two, "short", String(key.privatePart)]) {
      assert.ok(!String(refused).replace("is shorter", "").includes(secret), String(refused));
    }
  }
  assert.notEqual(await open({ SESSION_BUDDY_SECRET: "é".repeat(16) }), null);
});

test("secrets in files are bytes, whatever text would be made of them", async (t) => {
  const secrets = [0x80, 0x81, 0xfe].map((byte) => Buffer.alloc(32, byte));
  const [current, before, oldest] = secrets as [Buffer, Buffer, Buffer];
  const lines = Buffer.concat([before, Buffer.from("\r\n\n"), oldest]);
  const env = {
    SESSION_BUDDY_SECRET_FILE: file(t, Buffer.concat([current, Buffer.from("\n")])),
    SESSION_BUDDY_PREVIOUS_SECRETS_FILE: file(t, lines),
  };
  for (const secret of secrets) {
    assert.equal(await outcomeOf(env, await tokenMakers.hand(claims(), { secret })), "accepted");
  }
  for (const secret of [Buffer.alloc(32, 0x82), Buffer.from(current.toString("utf8"))]) {
    assert.equal(await outcomeOf(env, await tokenMakers.hand(claims(), { secret })), "invalid");
  }
  await assert.rejects(
    open({ SESSION_BUDDY_SECRET_FILE: file(t, Buffer.alloc(11, 0x80)) }),
    refusal("auth.secret", /is shorter than 32 bytes/),
  );
});

test("keys are imported once: what is written into the file later changes nothing", async (t) => {
  const path = file(t, formatKeySet([await generateKey("EdDSA")]));
  const env = { SESSION_BUDDY_KEYS_FILE: path };
  const gate = await openGate(credentialSources(env), issuers);
  const token = await tokenOf(env);
  writeFileSync(path, "garbage");
  assert.equal((await gate?.(token))?.userId, "admin");
});
