/** Proves that each attack of the table is refused with the contract's sentence, and that `token verify` says the same as the gate. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openGate } from "../../../src/auth/credentials.ts";
import { verifyToken } from "../../../src/auth/tokens.ts";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";
import { attacks, harmless, sentences } from "../../support/attacks/attacks.ts";
import { targetIn } from "../../support/attacks/target.ts";
import { claims } from "../../support/server/jwt.ts";

const folder = mkdtempSync(join(tmpdir(), "session-buddy-test-"));
after(() => rmSync(folder, { recursive: true }));
const { sources } = targetIn(folder);
const issuers = ["session-buddy"];
const gate = await openGate(sources, issuers);
assert.ok(gate !== null);

test("no two attacks have one name, and each token is another one", () => {
  assert.equal(new Set(attacks.map(({ name }) => name)).size, attacks.length);
  const texts = attacks.map(({ token }) => token()).filter((token) => typeof token === "string");
  assert.ok(texts.length > 250);
});

for (const { name, token, answer, check } of attacks) {
  test(`refused by the gate, and by token verify: ${name}`, async () => {
    const sent = token();
    const refused = await gate(sent).then(
      ({ userId }) => assert.fail(`let in as ${userId}`),
      (error: unknown) => error,
    );
    assert.ok(refused instanceof SessionBuddyError, String(refused));
    assert.deepEqual([refused.message, refused.code], [sentences[answer], `auth.${answer}`]);
    assert.match(String(refused.detail), check === null ? /^no token/ : new RegExp(`^${check}: .`));
    if (typeof sent !== "string") return;
    for (const part of sent.split(".").filter((text) => text.length > 10)) assert.ok(!refused.detail?.includes(part));

    const { outcome, userId, checks } = await verifyToken(sources, sent, issuers);
    assert.equal(outcome === "malformed" ? "invalid" : outcome, answer === "missing" ? "invalid" : answer);
    assert.equal(userId, null);
    const failed = checks.filter(({ verdict }) => verdict === "failed");
    const reasons = failed.map(({ check, words }) => `${check}: ${words}`).join("; ");
    if (answer !== "missing") assert.equal(refused.detail, reasons);
    assert.equal(failed[0]?.check, check ?? "form");
    assert.equal(outcome === "malformed", failed[0]?.check === "form");
  });
}

for (const [name, token] of harmless) {
  test(`accepted by the gate, and by token verify: ${name}`, async () => {
    const sent = token();
    const { userId } = await gate(sent);
    assert.equal(userId, name.startsWith("a user id") ? " Ünï 用户 👩‍💻 " : claims().user_id);
    const verified = await verifyToken(sources, sent, issuers);
    assert.deepEqual([verified.outcome, verified.userId], ["accepted", userId]);
    assert.ok(verified.checks.every(({ verdict }) => verdict === "ok"));
  });
}

test("a token of 64 KiB is refused for its length alone, before anything of it is decoded", async () => {
  for (const text of [".".repeat(65_536), "é".repeat(65_536), `Bearer ${"A".repeat(65_536)}`]) {
    await assert.rejects(gate(text), { detail: "form: the token is longer than 16384 characters" });
  }
});
