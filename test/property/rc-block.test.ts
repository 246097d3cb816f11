/** Proves that taking the block out restores any startup file byte for byte, however often it was put in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addBlock, readBlocks, removeBlocks } from "../../src/install/rc-block.ts";
import { anyCodePoint } from "../support/arbitraries.ts";

const piece = fc.oneof(
  fc.constantFrom("\n", "\r\n", "\r", "\n\n", "\\\n", "# >>> session-buddy", "session-buddy <<<", " ", "\0", "ü"),
  fc.string({ unit: anyCodePoint, maxLength: 8 }),
);
/** A file that was never ours: any bytes, often with line ends of every kind; or none. */
const strangersFile = fc.option(
  fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join(""))),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  ),
);
const line = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/[\r\n]/.test(text));

test("install, any number of times and with any lines, then uninstall restores every byte", () => {
  fc.assert(
    fc.property(strangersFile, fc.array(line, { minLength: 1, maxLength: 5 }), (before, lines) => {
      let bytes: Buffer | null = before;
      for (const text of lines) bytes = addBlock(bytes, text)?.bytes ?? bytes;
      assert.deepEqual(readBlocks(bytes), [[lines.at(-1)]]);
      assert.equal(addBlock(bytes, lines.at(-1) ?? ""), null);
      const removed = removeBlocks(bytes);
      assert.ok(removed !== null);
      assert.deepEqual(removed.bytes, before);
    }),
  );
});

test("what is written around the block stays, whole", () => {
  fc.assert(
    fc.property(line, line, line, (before, text, after) => {
      const installed = addBlock(Buffer.from(`${before}\n`), text)?.bytes;
      const changed = Buffer.concat([installed ?? Buffer.alloc(0), Buffer.from(`${after}\n`)]);
      assert.deepEqual(removeBlocks(changed)?.bytes?.toString(), `${before}\n${after}\n`);
    }),
  );
});
