/** Proves that a wrong question is answered with its sentence and never breaks the protocol, and that the gate comes first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyText } from "../support/arbitraries.ts";
import { createSandbox } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { blanks, question, questionTools, refusedQuestions } from "../support/server/questions.ts";
import { connect, transportKinds } from "../support/server/transports.ts";

const required = "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)";
const expired = "❌ Authentication failed: Token has expired";
const invalid = "❌ Authentication failed: Invalid token";
const noCursor = "cursor: Input should be a cursor that a page gave";
const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"];

for (const kind of transportKinds) {
  test(`over ${kind}, every wrong argument is told in a sentence, and the data is empty`, async (t) => {
    const { client } = await connect(t, createSandbox(t), kind);
    await client.listTools();
    for (const { tool, args, sentence } of refusedQuestions) {
      // A lone surrogate cannot be sent as UTF-8.
      if (JSON.stringify(args).includes("\\ud800")) continue;
      const expected = { status: "error", error: sentence, ...blanks[tool] };
      assert.deepEqual(await question(client, tool, args), expected, JSON.stringify(args));
    }
  });

  test(`over ${kind}, a cursor that was altered is refused, whatever was done to it`, async (t) => {
    const { client, start } = await connect(t, createSandbox(t), kind);
    for (const component_name of ["one", "two"]) await start({ component_name });
    const cursor = String((await question(client, "search_sessions", { limit: 1 })).next_cursor);
    const altered = fc.oneof(
      anyText,
      fc
        .tuple(fc.nat(cursor.length - 1), fc.constantFrom("", ...alphabet))
        .map(([at, put]) => cursor.slice(0, at) + put + cursor.slice(at + 1)),
      fc.nat(cursor.length - 1).map((length) => cursor.slice(0, length)),
    );
    await fc.assert(
      fc.asyncProperty(altered, fc.constantFrom("search_sessions", "list_active_sessions"), async (text, tool) => {
        if (text === cursor) return;
        const { status, error } = await question(client, tool, { cursor: text });
        assert.deepEqual([status, error], ["error", noCursor]);
      }),
      { numRuns: 100 },
    );
    assert.equal((await question(client, "search_sessions", { limit: 1, cursor })).status, "ok");
  });

  test(`over ${kind}, with a secret every question needs a token, before anything else is looked at`, async (t) => {
    const sandbox = createSandbox(t);
    const { client, log } = await connect(t, sandbox, kind, { env: { SESSION_BUDDY_SECRET: secret } });
    await client.listTools();
    const token = await tokenMakers.jose(claims());
    const old = await tokenMakers.jose(claims({ exp: 1 }));
    const refusals = [
      [undefined, required],
      [null, required],
      ["", required],
      [old, expired],
      ["garbage", invalid],
      [`Bearer ${token}`, invalid],
      [5, invalid],
    ] as const;
    for (const tool of questionTools) {
      for (const [sent, error] of refusals) {
        for (const args of [{}, { limit: 0, session_id: 5, by: "x", extra: 1 }, { session_id: "x", by: "user" }]) {
          const expected = { status: "error", error, ...blanks[tool] };
          assert.deepEqual(await question(client, tool, { ...args, token: sent }), expected);
        }
      }
    }
    assert.equal((await question(client, "search_sessions", { token })).status, "ok");
    assert.equal((await question(client, "list_active_sessions", { token })).status, "ok");
    assert.equal((await question(client, "session_stats", { by: "user", token })).status, "ok");
    assert.equal((await question(client, "get_session", { session_id: "x", token })).status, "not_found");
    assert.equal((await question(client, "explain_session", { session_id: "x", token })).status, "not_found");
    for (const part of [token, old].flatMap((one) => one.split("."))) assert.ok(!log().includes(part));
  });
}
