/** Proves that the transport passes every scenario of the conformance suite with a session, and the real server its own. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { hostsFor } from "../../src/server/http/caller.ts";
import { createHttpEntrance } from "../../src/server/listener.ts";
import { runConformance } from "../support/conformance/conformance.ts";
import { createFixtureServer } from "../support/conformance/server.ts";
import { createSandbox } from "../support/sandbox.ts";
import { createEventStore } from "./conformance-events.ts";

const session = "?session=true";
/** The scenario is content with a server that gives no session; then it checks nothing. */
const sessionLived = /^✓ server-session-lifecycle: 3 passed, 0 failed$/m;
const nothing = "server: []\n";

/** The HTTP entrance as it is, with the suite's own tools behind it. */
async function serveFixture(t: TestContext): Promise<string> {
  const { server, close } = await createHttpEntrance({
    createServer: createFixtureServer,
    version: "1",
    allowedHosts: hostsFor("127.0.0.1"),
    limits: {
      connections: 0,
      connectionsPerAddress: 0,
      callsPerSecond: 0,
      refusalsPerMinute: 0,
      sessions: 100,
      sessionIdleMs: 60_000,
    },
    authenticate: null,
    metrics: { contentType: "text/plain", text: async () => "" },
    areMetricsOpen: false,
    onFailure: (error) => assert.fail(String(error)),
    streamOptions: () => ({ eventStore: createEventStore(), retryInterval: 100 }),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.close();
    await close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

/** What the server fails with a session: the same tools are missing, and a session id there is. */
function baselineWithSession(): string {
  const text = readFileSync(join(import.meta.dirname, "conformance-baseline.yml"), "utf8");
  const withoutSession = / {2}# Warnings[\s\S]*$/;
  assert.match(text, withoutSession);
  // Every answer is one short message, of which nothing is kept to be sent again: a client that lost it asks again, which
  // the contract makes safe. So streams have no ids to go on from, and nothing is resumed.
  const checks = ["server-sse-priming-event", "server-sse-retry-field", "server-sse-disconnect-resume"];
  return text.replace(withoutSession, checks.map((check) => `  - server-sse-polling:${check}\n`).join(""));
}

test("with the suite's own tools, every scenario passes", async (t) => {
  const sandbox = createSandbox(t);
  const baseline = join(sandbox.folder, "baseline.yml");
  writeFileSync(baseline, nothing);
  const { status, scenarios, output } = await runConformance(sandbox, (await serveFixture(t)) + session, baseline);
  assert.equal(status, 0, output);
  assert.ok(scenarios.length >= 33, output);
  assert.match(output, sessionLived);
  assert.doesNotMatch(output, /SKIPPED|WARNING/);
});

test("the real server with a session fails nothing but what lacks its fixture", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const baseline = join(sandbox.folder, "baseline.yml");
  writeFileSync(baseline, baselineWithSession());
  const { status, unexpected, stale, output } = await runConformance(sandbox, url + session, baseline);
  assert.deepEqual({ status, unexpected, stale }, { status: 0, unexpected: [], stale: [] }, output);
  assert.match(output, sessionLived);
});
