/** Proves which record elsewhere is asked, and that no token goes to an address that it was not given for. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { resolveConfig } from "../../../src/config/config.ts";
import { recordAddress, requireOneRecord } from "../../../src/config/record-address.ts";

const folder = mkdtempSync(join(tmpdir(), "session-buddy-test-"));
after(() => rmSync(folder, { recursive: true }));

const central = "https://central.example:8678";
const file = { SESSION_BUDDY_FROM_TOKEN_FILE: "/my/token" };
const text = { SESSION_BUDDY_FROM_TOKEN: "a.b.c" };
const pin = `sha256//${"A".repeat(43)}=`;

async function addressWith(env: Readonly<Record<string, string>>, typed?: string) {
  return recordAddress(await resolveConfig({ SESSION_BUDDY_HOME: join(folder, "none"), ...env }), env, typed);
}

test("nothing elsewhere is asked unless somebody says so, and what is typed wins", async () => {
  assert.equal(await addressWith({ ...file, ...text }), null);
  assert.equal((await addressWith({ SESSION_BUDDY_FROM: central }))?.url, central);
  assert.equal((await addressWith({ SESSION_BUDDY_FROM: central }, "http://127.0.0.1:1"))?.url, "http://127.0.0.1:1");
});

test("a token of the environment wins over one in a file, and both are for the configured address alone", async () => {
  const fromFile = { name: "from_token_file", file: "/my/token" };
  const fromVariable = { name: "SESSION_BUDDY_FROM_TOKEN", text: "a.b.c" };
  const env = { SESSION_BUDDY_FROM: central, SESSION_BUDDY_FROM_PIN: pin, SESSION_BUDDY_FROM_CA_FILE: "/ca", ...file };
  assert.deepEqual(await addressWith(env), { url: central, token: fromFile, pin, caFile: "/ca" });
  assert.deepEqual((await addressWith({ ...env, ...text }))?.token, fromVariable);
  for (const same of [central, `${central}/`, "https://CENTRAL.example:8678"]) {
    assert.deepEqual((await addressWith(env, same))?.token, fromFile, same);
  }
  for (const other of [
    "https://central.example",
    `${central}/b`,
    "http://127.0.0.1:8678",
    "https://central.example.evil.example:8678",
  ]) {
    const address = await addressWith({ ...env, ...text }, other);
    assert.deepEqual(address, { url: other, token: null, pin: null, caFile: null });
  }
  assert.deepEqual((await addressWith(text, central))?.token, fromVariable);
  assert.deepEqual((await addressWith(file, central))?.token, fromFile);
});

test("an address with a secret in it, or none, is refused with what to do", async () => {
  for (const [typed, words] of [
    ["https://me:secret@central.example", /put the token into a file/],
    ["https://token@central.example", /put the token into a file/],
    [`${central}/?token=a`, /put the token into a file/],
    ["central.example", /an address such as/],
    ["ftp://central.example", /an address such as/],
    ["https://", /an address such as/],
    ["https://a b", /an address such as/],
  ] as const) {
    await assert.rejects(addressWith({}, typed), { code: "usage", message: words }, typed);
  }
  assert.throws(() => requireOneRecord(true, central), { code: "usage" });
  requireOneRecord(true, undefined);
  requireOneRecord(undefined, central);
});
