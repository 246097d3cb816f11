/** Proves every row of the table of section 5 over both transports, with tokens of a library and made by hand. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import { claims, secret, type TokenMaker, tokenMakers } from "../support/server/jwt.ts";
import { type Connection, connect, transportKinds } from "../support/server/transports.ts";

const required = "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)";
const expired = "❌ Authentication failed: Token has expired";
const invalid = "❌ Authentication failed: Invalid token";
const now = Math.floor(Date.now() / 1000);

interface TokenCase {
  readonly name: string;
  readonly token: (make: TokenMaker) => unknown;
}

function withClaims(name: string, changes: Readonly<Record<string, unknown>>): TokenCase {
  return { name, token: (make) => make(claims(changes)) };
}

function altered(name: string, alter: (token: string) => unknown): TokenCase {
  return { name, token: async (make) => alter(await make(claims())) };
}

const accepted: readonly TokenCase[] = [
  withClaims("the recipe", {}),
  withClaims("an aud that is us", { aud: "session-buddy" }),
  withClaims("an aud that contains us", { aud: ["other", "session-buddy"] }),
  withClaims("an nbf in the past", { nbf: now - 60 }),
  withClaims("claims of one's own", { scope: "all", jti: "1" }),
];

const refused: readonly (TokenCase & { readonly sentence: string })[] = [
  ...[undefined, null, ""].map((token) => ({ name: `${token} as token`, token: () => token, sentence: required })),
  { ...withClaims("expired", { exp: now - 60 }), sentence: expired },
  ...unacceptable().map((one) => ({ ...one, sentence: invalid })),
];

function unacceptable(): readonly TokenCase[] {
  return [
    withClaims("no exp", { exp: undefined }),
    withClaims("exp as text", { exp: String(now + 60) }),
    withClaims("no iat", { iat: undefined }),
    withClaims("iat as text", { iat: String(now) }),
    withClaims("iat in the future", { iat: now + 600 }),
    withClaims("nbf in the future", { nbf: now + 600 }),
    withClaims("no iss", { iss: undefined }),
    withClaims("another iss", { iss: "session-buddy-2" }),
    withClaims("no type", { type: undefined }),
    withClaims("another type", { type: "refresh" }),
    withClaims("another aud", { aud: "session-buddy-2" }),
    withClaims("other auds", { aud: ["a", "b"] }),
    withClaims("no auds", { aud: [] }),
    withClaims("no user_id", { user_id: undefined }),
    withClaims("an empty user_id", { user_id: "" }),
    withClaims("user_id as number", { user_id: 5 }),
    ...(["none", "HS384", "HS512", "RS256"] as const).map((alg) => ({
      name: `algorithm ${alg}`,
      token: (make: TokenMaker) => make(claims(), { alg }),
    })),
    { name: "another secret", token: (make) => make(claims(), { secret: "x".repeat(32) }) },
    { name: "expired and of another secret", token: (make) => make(claims({ exp: 1 }), { secret: "x".repeat(32) }) },
    altered("Bearer before it", (token) => `Bearer ${token}`),
    altered("a space before it", (token) => ` ${token}`),
    altered("a newline after it", (token) => `${token}\n`),
    altered("another payload", (token) => token.replace(/\.[^.]+\./, `.${Buffer.from("{}").toString("base64url")}.`)),
    altered("no signature", (token) => token.replace(/\.[^.]+$/, ".")),
    altered("two parts", (token) => token.replace(/\.[^.]+$/, "")),
    altered("four parts", (token) => `${token}.x`),
    altered("a list of it", (token) => [token]),
    ...["garbage", "a.b.c", "..", " ", 5, true, {}].map((token) => ({
      name: `${JSON.stringify(token)} as token`,
      token: () => token,
    })),
  ];
}

async function assertRefused({ start, end }: Connection, token: unknown, sentence: string): Promise<void> {
  // What else is wrong with a call is not told to an outsider.
  for (const changes of [{}, { pid: 0, event_id: "wrong", extra: 1, user: undefined }]) {
    assert.deepEqual(await start({ ...changes, token }), { session_id: null, status: "error", error: sentence });
  }
  for (const [id, answered] of [
    ["some-id", "some-id"],
    ["x".repeat(300), "x".repeat(300)],
    [5, ""],
  ] as const) {
    assert.deepEqual(await end(id, { token, timestamp: "wrong" }), {
      session_id: answered,
      status: "error",
      error: sentence,
    });
  }
}

for (const kind of transportKinds) {
  for (const [by, make] of Object.entries(tokenMakers)) {
    test(`over ${kind}, tokens made by ${by} are held to every rule, and no log knows them`, async (t) => {
      const sandbox = createSandbox(t);
      const logFile = join(sandbox.folder, "log");
      const env = { SESSION_BUDDY_SECRET: secret, SESSION_BUDDY_LOG_FILE: logFile };
      const connection = await connect(t, sandbox, kind, { env });
      const sent: string[] = [];
      for (const { name, token, sentence } of refused) {
        await t.test(name, async () => {
          const value = await token(make);
          if (typeof value === "string" && value.length > 10) sent.push(value.trim());
          await assertRefused(connection, value, sentence);
        });
      }
      assert.equal((await sandbox.run(["list", "--all", "--json"])).stdout, "[]\n");
      for (const { name, token } of accepted) {
        await t.test(name, async () => {
          const value = await token(make);
          sent.push(String(value));
          const { session_id: id, status, error } = await connection.start({ token: value });
          assert.deepEqual([status, error], ["tracked", null]);
          assert.equal((await connection.end(id, { token: value })).status, "ended");
        });
      }
      const logs = connection.log() + readFileSync(logFile, "utf8");
      assert.match(logs, /code=auth\.invalid, reason=/);
      const parts = sent.flatMap((token) => token.split(".")).filter((part) => part.length > 10);
      for (const text of [secret, ...sent, ...parts]) assert.ok(!logs.includes(text), text);
    });
  }

  test(`over ${kind}, without a secret every token is ignored`, async (t) => {
    const { start, end } = await connect(t, createSandbox(t), kind);
    const old = await tokenMakers.hand(claims({ exp: 1 }));
    for (const token of [undefined, null, "", "garbage", `Bearer ${old}`, old, 5, true, {}, [old]]) {
      const { session_id: id, status } = await start({ token });
      assert.equal(status, "tracked");
      assert.equal((await end(id, { token })).status, "ended");
    }
  });
}
