/** Proves that destinations are read as they were kept, that one which is broken stops no other, and what a host key is. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { calculateJwkThumbprint, compactVerify, importJWK } from "jose";
import {
  addDestination,
  changeDestination,
  type Destination,
  readDestinations,
  removeDestination,
} from "../../../src/auth/destinations.ts";
import { bodyHash, createHostKey, readHostJwk, signHostProof, signHostToken } from "../../../src/auth/host-keys.ts";
import { refusal } from "../../support/refusals.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const nowMs = Date.parse("2026-03-02T12:00:00Z");

function destinationOf(url = "https://central.example:8678"): Destination {
  const { kid, jwk } = createHostKey();
  return {
    url,
    pin: null,
    caFile: null,
    origin: kid,
    kid,
    jwk,
    nextJwk: null,
    machineId: "m",
    enrolledAt: "2026-03-02T12:00:00Z",
    username: null,
  };
}

function dataFolder(t: TestContext): string {
  const folder = join(temporaryFolder(t), "data");
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

test("a destination is kept for its owner alone, changed and removed by its name", (t) => {
  const folder = dataFolder(t);
  assert.deepEqual(readDestinations(folder), []);
  const [first, second] = [destinationOf(), destinationOf("http://127.0.0.1:1")];
  addDestination(folder, "central", first);
  addDestination(folder, "archive", second);
  assert.equal(statSync(join(folder, "destinations/central.json")).mode & 0o777, 0o600);
  assert.deepEqual(readDestinations(folder), [
    { name: "archive", destination: second, issue: null },
    { name: "central", destination: first, issue: null },
  ]);
  assert.throws(() => addDestination(folder, "central", second), refusal("usage", /is there already/));
  const { jwk: nextJwk } = createHostKey();
  changeDestination(folder, "central", { ...first, nextJwk });
  assert.deepEqual(readDestinations(folder)[1]?.destination, { ...first, nextJwk });
  assert.equal(removeDestination(folder, "archive"), true);
  assert.equal(removeDestination(folder, "archive"), false);
  for (const name of ["", ".x", "../x", "a/b", "-x", "x".repeat(65)]) {
    assert.throws(() => addDestination(folder, name, first), refusal("usage", /name of a destination/), name);
  }
});

test("a destination that is broken, or open to others, is named, and the others are read", (t) => {
  const folder = dataFolder(t);
  const good = destinationOf();
  addDestination(folder, "good", good);
  const text = readFileSync(join(folder, "destinations/good.json"), "utf8");
  const broken: readonly (readonly [string, string, RegExp])[] = [
    ["a", "{", /not a JSON object/],
    ["b", text.replace('"format": 1', '"format": 2'), /format is not 1/],
    ["c", text.replace("https:", "http:"), /not encrypted/],
    ["d", text.replace(`"kid": "${good.kid}"`, '"kid": "x"'), /kid is not that of its key/],
    ["e", text.replace(/"d": "[^"]*"/, '"d": "AAAA"'), /part that signs/],
    ["f", text.replace('"pin": null', '"pin": "x"'), /form sha256/],
  ];
  for (const [name, content] of broken)
    writeFileSync(join(folder, `destinations/${name}.json`), content, { mode: 0o600 });
  addDestination(folder, "h", destinationOf());
  chmodSync(join(folder, "destinations/h.json"), 0o640);
  writeFileSync(join(folder, "destinations/good.json.session-buddy-1-1"), "half");
  const read = readDestinations(folder);
  assert.deepEqual(
    read.map(({ name }) => name),
    ["a", "b", "c", "d", "e", "f", "good", "h"],
  );
  for (const [name, , words] of broken) assert.match(read.find((one) => one.name === name)?.issue ?? "", words, name);
  assert.match(read.at(-1)?.issue ?? "", /open to other users/);
  assert.deepEqual(read.find(({ name }) => name === "good")?.destination, good);
  const { d } = good.jwk;
  for (const { issue } of read) assert.ok(!issue?.includes(d));
  chmodSync(join(folder, "destinations"), 0o755);
  assert.throws(() => readDestinations(folder), refusal("storage.unavailable", /open to other users/));
});

test("a key is named by its thumbprint, and what it signs is read by others' libraries", async () => {
  const key = createHostKey();
  const { d, ...publicPart } = key.jwk;
  assert.equal(key.kid, await calculateJwkThumbprint(publicPart));
  const audience = "https://central.example:8678";
  const token = signHostToken(key, { audience, body: "body", nowMs });
  const { payload, protectedHeader } = await compactVerify(token, await importJWK(publicPart, "EdDSA"));
  assert.deepEqual(protectedHeader, { alg: "EdDSA", kid: key.kid, typ: "sb-host+jwt" });
  const iat = nowMs / 1000;
  const claims = JSON.parse(new TextDecoder().decode(payload));
  assert.deepEqual(claims, { iss: key.kid, aud: audience, iat, exp: iat + 60, bh: bodyHash("body") });
  const proof = signHostProof(key, { audience, invite: "i", nowMs });
  const proven = await compactVerify(proof, await importJWK(publicPart, "EdDSA"));
  assert.equal(proven.protectedHeader.typ, "sb-enroll+jwt");
  assert.deepEqual(readHostJwk({ ...key.jwk, more: 1 }, "public"), publicPart);
  const unfit = [null, "x", {}, { ...publicPart, crv: "X25519" }, { ...publicPart, x: `${publicPart.x.slice(0, -1)}` }];
  const ambiguous = { ...publicPart, x: `${"A".repeat(42)}B` };
  for (const value of [...unfit, ambiguous])
    assert.throws(() => readHostJwk(value, "public"), refusal("invalid", /jwk/));
});
