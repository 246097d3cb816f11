/** Proves what an address of a database says, and that one which is wrong is refused in words. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAddress } from "../../../../src/store/postgres/address.ts";
import { refusal } from "../../../support/refusals.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const refused: readonly (readonly [address: string, sentence: RegExp])[] = [
  ["postgres://u:secret@h/d", /it has a password; put that into a file/],
  ["postgres://u@h/d?ssl=off", /it has 'ssl', which is not known/],
  ["mysql://u@h/d", /an address such as postgres:/],
  ["postgres://u@h/d?sslrootcert=/missing.pem", /^the setting 'store': its sslrootcert cannot be read: ENOENT/],
  ["postgres://u@h/d?sslcert=/missing.pem", /its sslcert cannot be read: ENOENT/],
];
for (const [address, sentence] of refused) {
  test(`${address} is refused`, () => {
    assert.throws(() => parseAddress(address, null), refusal("usage", sentence));
  });
}

const encrypted: readonly (readonly [address: string, isEncrypted: boolean])[] = [
  ["postgres://u@db.example.org/d", true],
  ["postgres://u@db.example.org/d?sslmode=require", true],
  ["postgres://u@db.example.org/d?sslmode=disable", false],
  ["postgres://u@localhost/d", false],
  ["postgres://u@127.0.0.1/d?sslmode=verify-full", true],
  ["postgres://u@[::1]/d", false],
  ["postgres:///d?host=/run/postgresql", false],
];
for (const [address, isEncrypted] of encrypted) {
  test(`${address} is ${isEncrypted ? "" : "not "}encrypted, and then verified`, () => {
    const { ssl } = parseAddress(address, null).connection;
    if (!isEncrypted) return assert.equal(ssl, false);
    assert.equal((ssl as { rejectUnauthorized: boolean }).rejectUnauthorized, true);
  });
}

test("the authorities are those of the file, and messages name neither the user nor what else is asked", (t) => {
  const file = join(temporaryFolder(t), "root.pem");
  writeFileSync(file, "an authority");
  const { place, connection } = parseAddress(`postgres://u@h:5433/d?sslrootcert=${file}`, null);
  assert.equal((connection.ssl as { ca: string }).ca, "an authority");
  assert.equal(place, "h:5433/d");
});
