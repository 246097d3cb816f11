/** Tables of things that happen to shells, each run in a terminal with and without the hook, and what is then on record. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Sandbox } from "../sandbox.ts";
import type { Ending, Terminal } from "./pty.ts";
import {
  assertRecord,
  createUsedSandbox,
  driveBoth,
  type ExpectedRow,
  type Seen,
  type ShellKind,
  type ShellPlan,
  shellKinds,
} from "./shells.ts";

/** Something that happens to a shell. */
export interface ShellCase {
  /** A sentence that begins with the row of the table of scenarios: `row 1: …`. */
  readonly title: string;
  readonly plan?: ShellPlan | ((kind: ShellKind) => ShellPlan);
  /** What the person does; the shell must end by it. */
  readonly drive: (terminal: Terminal, kind: ShellKind) => Promise<void> | void;
  /** How the process ends; not looked at by default, because it is compared with a run without the hook anyway. */
  readonly ending?: Ending;
  /** What is on record afterwards; shells that are not named do not take part. */
  readonly record: Partial<Record<ShellKind, readonly ExpectedRow[]>>;
  /** What else must hold. */
  readonly check?: (seen: Seen, sandbox: Sandbox, kind: ShellKind) => Promise<void> | void;
}

/** Makes a test of every case and shell. */
export function testShells(cases: readonly ShellCase[]): void {
  for (const each of cases) {
    for (const kind of shellKinds) {
      const record = each.record[kind];
      if (record !== undefined) test(`${each.title} (${kind})`, (t) => runCase(t, each, kind, record));
    }
  }
}

async function runCase(
  t: TestContext,
  { plan = {}, drive, ending, check }: ShellCase,
  kind: ShellKind,
  record: readonly ExpectedRow[],
): Promise<void> {
  const sandbox = createUsedSandbox(t);
  const seen = await driveBoth(t, sandbox, kind, typeof plan === "function" ? plan(kind) : plan, (terminal) =>
    drive(terminal, kind),
  );
  if (ending !== undefined) assert.deepEqual(seen.ending, ending);
  await assertRecord(sandbox, record);
  await check?.(seen, sandbox, kind);
}

/** The same expectation for some shells. */
export function each(
  kinds: readonly ShellKind[],
  expected: (kind: ShellKind) => readonly ExpectedRow[],
): Partial<Record<ShellKind, readonly ExpectedRow[]>> {
  return Object.fromEntries(kinds.map((kind) => [kind, expected(kind)]));
}
