/** Proves over HTTP that each attack of the table gets the contract's sentence and nothing else, and that the log knows why, not what. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { attacks, harmless, sentences } from "../support/attacks/attacks.ts";
import { targetIn } from "../support/attacks/target.ts";
import { allRows } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { readLogLine } from "../support/server/log-lines.ts";
import { ask } from "../support/server/raw-http.ts";
import { connect } from "../support/server/transports.ts";

/** What is asked here is what each refusal says; that there may be only so many is another matter. */
const unlimited = { SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: "0" };

test("over HTTP, every attack is refused, nothing is recorded, and the log holds no part of a token", async (t) => {
  const sandbox = createSandbox(t);
  const logFile = join(sandbox.folder, "log");
  const { env } = targetIn(sandbox.folder);
  const { start, end } = await connect(t, sandbox, "HTTP", {
    env: { ...env, ...unlimited, SESSION_BUDDY_LOG_FILE: logFile },
  });
  const sent: string[] = [];
  for (const { name, token, answer } of attacks) {
    await t.test(name, async () => {
      const value = token();
      if (typeof value === "string") sent.push(value);
      const error = sentences[answer];
      assert.deepEqual(await start({ token: value }), { session_id: null, status: "error", error });
      assert.deepEqual(await end("some-id", { token: value }), { session_id: "some-id", status: "error", error });
    });
  }
  assert.deepEqual(await allRows(sandbox), []);

  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n").map(readLogLine);
  const refusals = lines.filter(({ message }) => message.endsWith("failed"));
  assert.equal(refusals.length, attacks.length * 2);
  for (const { level, fields } of refusals) {
    assert.equal(level, "WARNING");
    const { code = "", reason = "" } = Object.fromEntries(fields);
    assert.match(code, /^auth\.(?:missing|expired|invalid)$/);
    assert.match(reason, code === "auth.missing" ? /^no token was sent$/ : /^[a-z_]+: /);
  }
  const log = readFileSync(logFile, "utf8");
  const parts = sent.flatMap((token) => token.split(".")).filter((part) => part.length > 16);
  for (const text of [...parts, ...Object.values(env).slice(0, 2)]) assert.ok(!log.includes(text), text.slice(0, 40));
});

test("in the header of a request, every attack that one can hold is refused, and what only looks like one is let in", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve({ ...targetIn(sandbox.folder).env, ...unlimited });
  const statusWith = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await ask(url.replace(/mcp$/, "metrics"), { method: "GET", headers })).status;
  };
  // White space around a header is not its own, and a longer one is no request (RFC 9110 section 5.5).
  const fitsHeader = (token: unknown) => typeof token === "string" && /^[!-~](?:[ -~]{0,8000}[!-~])?$/.test(token);
  const held = attacks.map((attack) => ({ ...attack, value: attack.token() })).filter(({ value }) => fitsHeader(value));
  assert.ok(held.length > 250);
  for (const { name, value } of held) assert.equal(await statusWith(String(value)), 401, name);
  for (const [name, token] of harmless) {
    if (fitsHeader(token())) assert.equal(await statusWith(token()), 200, name);
  }
});

test("over HTTP, what only looks like an attack is let in: by the secret, a previous one, and both kinds of keys", async (t) => {
  const sandbox = createSandbox(t);
  const { start } = await connect(t, sandbox, "HTTP", { env: targetIn(sandbox.folder).env });
  for (const [name, token] of harmless) {
    await t.test(name, async () => assert.equal((await start({ token: token() })).status, "tracked"));
  }
});
