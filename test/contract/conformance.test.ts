/** Proves that the server passes the MCP conformance suite but for what its baseline names, and that the baseline is true. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { requiredScenarios, runConformance } from "../support/conformance/conformance.ts";
import { createSandbox } from "../support/sandbox.ts";

const baseline = join(import.meta.dirname, "conformance-baseline.yml");
const entries = [...readFileSync(baseline, "utf8").matchAll(/^ {2}- (\S+)$/gm)].map((match) => match[1] ?? "");

test("every scenario passes but for the checks of the baseline, and each of those fails", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const verdict = await runConformance(sandbox, url, baseline);
  assert.equal(verdict.status, 0, verdict.output);
  assert.deepEqual([...verdict.expected].sort(), [...entries].sort());
  const required = await requiredScenarios(sandbox);
  assert.ok(required.length >= 30);
  for (const scenario of required) assert.ok(verdict.scenarios.includes(scenario), scenario);
});

test("a check that fails without being in the baseline is found", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const changed = join(sandbox.folder, "baseline.yml");
  const [left = ""] = entries;
  writeFileSync(changed, readFileSync(baseline, "utf8").replace(`  - ${left}\n`, ""));
  const { status, unexpected, stale } = await runConformance(sandbox, url, changed);
  assert.deepEqual({ status, unexpected, stale }, { status: 1, unexpected: [left.split(":")[0]], stale: [] });
});

test("a check that passes though the baseline has it is found", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const changed = join(sandbox.folder, "baseline.yml");
  const passing = "dns-rebinding-protection:localhost-host-rebinding-rejected";
  writeFileSync(changed, `${readFileSync(baseline, "utf8")}  - ${passing}\n`);
  const { status, unexpected, stale } = await runConformance(sandbox, url, changed);
  assert.deepEqual({ status, unexpected, stale }, { status: 1, unexpected: [], stale: [passing] });
});
