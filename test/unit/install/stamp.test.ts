/** Proves that the stamp of a file of ours tells every change of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isUntouched, stamped } from "../../../src/install/stamp.ts";

const text = "one\ntwo\n";

test("a stamped file is untouched, and keeps its text", () => {
  assert.equal(isUntouched(Buffer.from(stamped(text))), true);
  assert.ok(stamped(text).startsWith(text));
  assert.match(stamped(text).slice(text.length), /^# [^\n]+\n$/);
});

test("any change is seen, and a file without a stamp is not ours", () => {
  const whole = stamped(text);
  const changed = [
    "",
    text,
    whole.replace("one", "two"),
    `${whole}\n`,
    `${whole}more\n`,
    whole.slice(0, -1),
    ` ${whole}`,
    `${whole}${whole}x`,
  ];
  for (const other of changed) assert.equal(isUntouched(Buffer.from(other)), false, JSON.stringify(other));
});
