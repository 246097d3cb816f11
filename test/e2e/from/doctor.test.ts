/** Proves that doctor says of a record elsewhere whether it answers, to whom, and what to do where it does not. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSelfSigned } from "../../support/certificates.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { openFront } from "../../support/server/tls-front.ts";

test("a record elsewhere is examined: who answers, the token, the version, the clock", async (t) => {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  const server = await central.serve({ SESSION_BUDDY_SECRET: secret });
  const certificate = createSelfSigned("localhost");
  const front = await openFront(t, server.url, certificate);
  const file = join(reader.folder, "token");
  writeFileSync(file, await tokenMakers.hand(claims()), { mode: 0o600 });
  const good = {
    SESSION_BUDDY_FROM: front.url,
    SESSION_BUDDY_FROM_PIN: certificate.pin,
    SESSION_BUDDY_FROM_TOKEN_FILE: file,
  };
  const examined = async (env: Readonly<Record<string, string>>) => {
    const { stdout } = await reader.run(["doctor", "--json"], { env });
    const findings: { check: string; level: string; words: string; remedy: string | null }[] = JSON.parse(stdout);
    return findings
      .filter(({ check }) => check === "record elsewhere")
      .map(({ level, words, remedy }) => `${level}: ${words} -> ${remedy}`);
  };
  const [finding, ...others] = await examined(good);
  assert.match(
    String(finding),
    /^ok: https:\S+ answers with the token of from_token_file, as version \d[\d.]* -> null$/,
  );
  assert.deepEqual([others, await examined({})], [[], []]);

  const bad: readonly (readonly [env: Readonly<Record<string, string>>, words: RegExp])[] = [
    [{ ...good, SESSION_BUDDY_FROM_PIN: "" }, /^problem: .* does not answer: .*; set from_pin or from_ca_file; /],
    [{ ...good, SESSION_BUDDY_FROM_PIN: createSelfSigned("x").pin }, /^problem: .*set from_pin anew; /],
    [{ ...good, SESSION_BUDDY_FROM_TOKEN_FILE: "" }, /^problem: .* needs a token: /],
    [{ ...good, SESSION_BUDDY_FROM_TOKEN: "x.y.z" }, /^problem: .* refuses the token of SESSION_BUDDY_FROM_TOKEN: /],
    [{ ...good, SESSION_BUDDY_FROM_TOKEN_FILE: `${file}.gone` }, /^problem: .*cannot be read: ENOENT/],
    [{ ...good, SESSION_BUDDY_FROM: "http://127.0.0.1:1" }, /^problem: .*nothing listens there; /],
    [{ ...good, SESSION_BUDDY_FROM: "http://192.0.2.1" }, /^problem: .*is not encrypted; use https/],
    [{ SESSION_BUDDY_FROM_TOKEN_FILE: file }, /^note: .* from is not -> set from$/],
  ];
  for (const [env, words] of bad) {
    const [finding, ...others] = await examined(env);
    assert.match(String(finding), words);
    assert.deepEqual(others, []);
  }
});

test("another version and another time there are worth a word", async (t) => {
  const reader = createSandbox(t);
  const front = await openFront(t, null, null);
  front.answerWith((response, url) => {
    const page = { status: "ok", error: null, as_of: "2026-02-06T12:34:56Z", sessions: [], next_cursor: null };
    const answer = url === "/health" ? { status: "ok", service: "session-buddy", version: "9.0.0" } : page;
    const time = new Date(Date.now() - 3_600_000).toUTCString();
    response.writeHead(200, { "Content-Type": "application/json", Date: time });
    response.end(JSON.stringify(answer));
  });
  const { stdout, status } = await reader.run(["doctor"], { env: { SESSION_BUDDY_FROM: front.url } });
  assert.match(stdout, /^ok +record elsewhere +\S+ answers without a token, as version 9\.0\.0$/m);
  assert.match(stdout, /^note +record elsewhere +this program is version \S+, and that one 9\.0\.0$/m);
  assert.match(stdout, /^problem +record elsewhere +its clock is 360\d s behind this machine's, /m);
  assert.equal(status, 1);
});
