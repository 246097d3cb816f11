/** Proves for any clocks that what a look has seen never puts a process's life past its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantFromMs } from "../../src/tracker/instant.ts";
import { lastAliveAt, lastSighting, parseSightings, type Sighting, withSighting } from "../../src/tracker/sighting.ts";

const hour = 3_600_000;
const epochMs = Date.parse("2026-02-06T12:00:00Z");
const anyGap = fc.integer({ min: 0, max: 24 * hour });
/** By how much the wall clock is off; it may be set between any two moments. */
const anyOffset = fc.integer({ min: -24 * hour, max: 24 * hour });

/** A true moment as the machine's clocks show it; the boot clock in steps of 10 ms, rounded down. */
function shown(trueMs: number, offsetMs: number, bootId: string) {
  return { atMs: epochMs + trueMs + offsetMs, bootClock: { bootId, ms: Math.floor(trueMs / 10) * 10 } };
}

test("by the clock that found the death, the last proof of life is not after the true end", () => {
  fc.assert(
    fc.property(anyGap, anyGap, anyGap, anyOffset, anyOffset, (look, life, wait, lookOffset, offset) => {
      const aliveAt = lastAliveAt(shown(look, lookOffset, "boot"), shown(look + life + wait, offset, "boot"));
      assert.ok(aliveAt <= instantFromMs(epochMs + look + life + offset));
      assert.ok(aliveAt <= instantFromMs(epochMs + look + lookOffset), "nor after what the clock showed at the look");
    }),
  );
});

test("a clock that was not set loses no more than the boot clock's step, one that was set no more than by how much", () => {
  fc.assert(
    fc.property(anyGap, anyGap, anyOffset, anyOffset, (look, wait, lookOffset, offset) => {
      const aliveAt = lastAliveAt(shown(look, lookOffset, "boot"), shown(look + wait, offset, "boot"));
      const earliest = epochMs + look + Math.min(lookOffset, offset) - 20;
      assert.ok(aliveAt >= instantFromMs(earliest));
    }),
  );
});

test("across boots only the wall clock is left", () => {
  fc.assert(
    fc.property(anyGap, anyGap, anyOffset, anyOffset, (look, wait, lookOffset, offset) => {
      const seen = shown(look, lookOffset, "one");
      assert.equal(lastAliveAt(seen, shown(look + wait, offset, "another")), instantFromMs(seen.atMs));
      assert.equal(lastAliveAt({ ...seen, bootClock: null }, shown(look, offset, "one")), instantFromMs(seen.atMs));
    }),
  );
});

const ids = ["a", "b", "c", "d"];
const anyLook = fc.record({ seen: fc.subarray(ids), closed: fc.subarray(ids) });

test("of any looks one after another, the last that saw a session counts, while the session is open", () => {
  fc.assert(
    fc.property(fc.array(anyLook, { maxLength: 8 }), (looks) => {
      let sightings: readonly Sighting[] = [];
      const last = new Map<string, number>();
      const open = new Set(ids);
      for (const [index, { seen, closed }] of looks.entries()) {
        for (const id of closed) open.delete(id);
        const starts = seen.filter((id) => open.has(id));
        for (const id of starts) last.set(id, index);
        for (const id of closed) last.delete(id);
        sightings = parseSightings(
          JSON.stringify(withSighting(sightings, { atMs: index, bootClock: null, starts }, open)),
        );
      }
      for (const id of ids) assert.equal(lastSighting(sightings, id)?.atMs ?? null, last.get(id) ?? null);
      assert.ok(sightings.length <= ids.length, "what proves nothing any more is forgotten");
    }),
  );
});

test("what is cut off or of another form is read as nothing, and never thrown at", () => {
  const sighting = fc.record({
    atMs: fc.nat(),
    bootClock: fc.option(fc.record({ bootId: fc.string(), ms: fc.nat() })),
    starts: fc.array(fc.string()),
  });
  fc.assert(
    fc.property(fc.array(sighting, { minLength: 1 }), fc.nat(), (sightings, at) => {
      const text = JSON.stringify(sightings);
      assert.deepEqual(parseSightings(text), JSON.parse(text));
      assert.deepEqual(parseSightings(text.slice(0, at % text.length)), []);
    }),
  );
  fc.assert(fc.property(fc.json(), (text) => void parseSightings(text)));
  for (const text of [
    '[{"atMs":1e300,"bootClock":null,"starts":[]}]',
    '[{"atMs":-1,"bootClock":null,"starts":[]}]',
    "[null]",
  ]) {
    assert.deepEqual(parseSightings(text), [], text);
  }
});
