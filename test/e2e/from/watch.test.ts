/** Proves that watch follows a record elsewhere: over a server that goes and comes back, and a front that says so, nothing is missed or told twice. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { type TestContext, test } from "node:test";
import { createSelfSigned } from "../../support/certificates.ts";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { followChild } from "../../support/running-child.ts";
import { createSandbox, launcher, type RunningServer, type Sandbox } from "../../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";
import { openFront } from "../../support/server/tls-front.ts";
import { openTerminal } from "../../support/shells/pty.ts";

const env = { SESSION_BUDDY_SECRET: secret };
const token = () => tokenMakers.hand(claims());

async function start({ url }: RunningServer, component_name: string): Promise<string> {
  const body = toolCall(1, "track_session_start", startArguments({ component_name }));
  const answer = await ask(url, { headers: { Authorization: `Bearer ${await token()}` }, body });
  const { session_id: id, error } = JSON.parse(answer.body).result.structuredContent;
  assert.equal(error, null);
  return id;
}

function follow(
  t: TestContext,
  { env: own, folder }: Sandbox,
  more: Readonly<Record<string, string>>,
  args: readonly string[],
) {
  const options = { env: { ...own, ...more }, cwd: folder, stdio: ["ignore", "pipe", "pipe"] as const };
  const child = spawn(launcher, ["watch", "--format", "ndjson", ...args], { ...options, stdio: [...options.stdio] });
  const { lines, errors, ended } = followChild(t, child);
  return {
    child,
    ended,
    ids: () => lines.map((line) => JSON.parse(line).session_id),
    errors,
  };
}

test("events go on where they ended, from a server that was away, and the front before it is believed by its pin", async (t) => {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  let server = await central.serve(env);
  const { port } = new URL(server.url);
  const certificate = createSelfSigned("localhost");
  const front = await openFront(t, server.url, certificate);
  const places = { SESSION_BUDDY_FROM_PIN: certificate.pin, SESSION_BUDDY_FROM_TOKEN: await token() };
  const first = await start(server, "first");
  const { child, ended, ids, errors } = follow(t, reader, places, ["--from", front.url, "--from", "0"]);
  await eventually(() => assert.deepEqual(ids(), [first], errors()));
  const second = await start(server, "second");
  await eventually(() => assert.deepEqual(ids(), [first, second]));
  await server.stop("SIGKILL");
  await eventually(() => assert.match(errors(), /^session-buddy: the record at \S+ .*502\b.*; waiting for it\n$/));
  server = await central.serve(env, [], ["--port", port]);
  const third = await start(server, "third");
  await eventually(() => assert.deepEqual(ids(), [first, second, third]));
  await eventually(() => assert.match(errors(), /\nsession-buddy: it answers again\n$/));
  child.kill("SIGINT");
  assert.deepEqual(await ended, [0, null]);
  assert.equal(errors().trimEnd().split("\n").length, 2);
});

test("a server that never answered is not waited for, and neither is one that refuses the token from now on", async (t) => {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  const none = await reader.run(["watch", "--format", "ndjson", "--from", "http://127.0.0.1:1"]);
  assert.equal(none.status, 5);
  assert.match(none.stderr, /nothing listens there/);
  let server = await central.serve(env);
  const { origin, port } = new URL(server.url);
  const { ended, ids, errors } = follow(t, reader, { SESSION_BUDDY_FROM_TOKEN: await token() }, [
    "--from",
    origin,
    "--from",
    "0",
  ]);
  const first = await start(server, "first");
  await eventually(() => assert.deepEqual(ids(), [first], errors()));
  await server.stop();
  server = await central.serve(
    { SESSION_BUDDY_SECRET: "another secret, which is of more than 32 bytes" },
    [],
    ["--port", port],
  );
  assert.deepEqual(await ended, [4, null]);
  assert.match(errors(), /refuses the token of SESSION_BUDDY_FROM_TOKEN/);
});

test("the table of a server that is away stays, says that it waits, and is anew when it answers", async (t) => {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  let server = await central.serve(env);
  const { origin, port } = new URL(server.url);
  await start(server, "first");
  const terminal = openTerminal(t, launcher, ["watch", "--from", origin], {
    cwd: reader.folder,
    env: { ...reader.env, TERM: "xterm", SESSION_BUDDY_FROM_TOKEN: await token() },
  });
  await terminal.find("1 open.");
  await server.stop("SIGKILL");
  await terminal.find(/Waiting: \S[\s\S]*SESSION[\s\S]*first-/);
  server = await central.serve(env, [], ["--port", port]);
  await start(server, "second");
  await terminal.find("2 open.");
});
