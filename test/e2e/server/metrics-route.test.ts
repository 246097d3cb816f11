/** Proves who may read `/metrics`, in which form it comes, and that it agrees with the store after a restart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startArguments } from "../../support/events.ts";
import { runWell } from "../../support/rows.ts";
import { createSandbox, type RunningServer } from "../../support/sandbox.ts";
import { openEntrance } from "../../support/server/entrance.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, type HttpAnswer, type HttpQuestion, toolCall } from "../../support/server/raw-http.ts";

const guarded = { SESSION_BUDDY_SECRET: secret };
const good = await tokenMakers.jose(claims());

function metricsOf({ url }: RunningServer, question: HttpQuestion = {}): Promise<HttpAnswer> {
  return ask(new URL("/metrics", url).href, { method: "GET", ...question });
}

function assertServed(answer: HttpAnswer): void {
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers["content-type"]), /^text\/plain; version=0\.0\.4(?:;|$)/);
  assert.equal(Number(answer.headers["content-length"]), Buffer.byteLength(answer.body));
  assert.match(answer.body, /^# TYPE session_start_total counter$/m);
}

test("without a secret metrics are read by everyone, and nothing else may be done there", async (t) => {
  const server = await createSandbox(t).serve();
  const answer = await metricsOf(server);
  assertServed(answer);
  assertServed(await metricsOf(server, { headers: { Authorization: "Bearer wrong" } }));
  const head = await metricsOf(server, { method: "HEAD" });
  assert.deepEqual([head.status, head.body, head.headers["content-type"]], [200, "", answer.headers["content-type"]]);
  assert.ok(Number(head.headers["content-length"]) > 0);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const refused = await metricsOf(server, { method });
    assert.deepEqual([refused.status, refused.headers.allow], [405, "GET, HEAD"]);
  }
});

test("with a secret metrics need a good token in the header", async (t) => {
  const server = await createSandbox(t).serve(guarded);
  const expired = await tokenMakers.jose(claims({ exp: 1 }));
  const bearer = `Bearer ${good}`;
  for (const header of [undefined, "", "Bearer", `Bearer ${expired}`, "Basic dTpw", good, [bearer, bearer]]) {
    for (const method of ["GET", "HEAD"]) {
      const headers = header === undefined ? {} : { Authorization: header };
      const refused = await metricsOf(server, { method, headers });
      assert.deepEqual([refused.status, refused.headers["www-authenticate"]], [401, 'Bearer realm="session-buddy"']);
      if (method === "GET") assert.match(JSON.parse(refused.body).error, /Authorization: Bearer TOKEN/);
    }
  }
  assertServed(await metricsOf(server, { headers: { Authorization: bearer } }));
  assert.equal((await metricsOf(server, { method: "HEAD", headers: { Authorization: bearer } })).status, 200);
  assert.equal((await ask(new URL(`/metrics?token=${good}`, server.url).href, { method: "GET" })).status, 401);
});

test("open_metrics=yes opens them, and nothing else", async (t) => {
  const server = await createSandbox(t).serve({ ...guarded, SESSION_BUDDY_OPEN_METRICS: "yes" });
  assertServed(await metricsOf(server));
  const answer = await ask(server.url, { body: toolCall(1, "track_session_start", startArguments()) });
  assert.match(answer.body, /Token required/);
});

test("after a restart, active_sessions is what list says", async (t) => {
  const sandbox = createSandbox(t);
  const first = await sandbox.serve();
  const start = async (component_name: string) => {
    const body = toolCall(1, "track_session_start", startArguments({ component_name }));
    return JSON.parse((await ask(first.url, { body })).body).result.structuredContent.session_id as string;
  };
  const ids = [await start("one"), await start("one"), await start("two"), await start("three")];
  const end = { session_id: ids[3], timestamp: "2026-02-06T13:34:56Z" };
  await ask(first.url, { body: toolCall(1, "track_session_end", end) });
  const before = activeIn(await metricsOf(first));
  await first.stop();
  const second = await sandbox.serve();
  const open: { component_name: string }[] = JSON.parse(await runWell(sandbox, ["list", "--json"]));
  const counts = { one: 0, two: 0, three: 0 };
  for (const { component_name } of open) counts[component_name as keyof typeof counts] += 1;
  assert.deepEqual(counts, { one: 2, two: 1, three: 0 });
  for (const active of [before, activeIn(await metricsOf(second))]) assert.deepEqual(active, counts);
});

function activeIn({ body }: HttpAnswer): Record<string, number> {
  const lines = body.matchAll(/^active_sessions\{component_name="([^"]+)"\} (\d+)$/gm);
  const names = ["one", "two", "three"];
  return Object.fromEntries(
    [...lines].filter(([, name = ""]) => names.includes(name)).map(([, name, count]) => [name, Number(count)]),
  );
}

test("what goes wrong inside is told to the log, and to the client only that it did", async (t) => {
  const failure = new Error("a path of the machine");
  const text = () => Promise.reject(failure);
  const { url, failures } = await openEntrance(t, { metrics: { contentType: "text/plain", text } });
  const answer = await ask(new URL("/metrics", url).href, { method: "GET" });
  assert.deepEqual([answer.status, JSON.parse(answer.body).error.message], [500, "Internal error"]);
  assert.deepEqual(failures, [failure]);
});
