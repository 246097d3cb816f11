/** A wall clock that a test sets while programs run; the boot clock stays the kernel's (libfaketime). */
import assert from "node:assert/strict";
import { globSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface FakeClock {
  /** For a program whose wall clock is to be set. */
  readonly env: Readonly<Record<string, string>>;
  /** @param offset - what is added to the true time, for example `-1h` or `+3` for seconds */
  set(offset: string): void;
}

export function fakeClock({ folder }: { readonly folder: string }): FakeClock {
  const file = join(folder, "clock");
  const set = (offset: string) => {
    writeFileSync(`${file}.new`, offset);
    renameSync(`${file}.new`, file);
  };
  set("+0");
  // Not by faketime(1): it stops when a semaphore is left of a killed program that had its pid.
  const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  assert.ok(library !== undefined, "the Debian package libfaketime has no library where this test looks for it");
  return {
    set,
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  };
}
