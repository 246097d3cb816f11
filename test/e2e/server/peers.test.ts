/** Proves that a server without a secret is for its own user and the administrator, and what lets others in. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createSandbox, type RunningServer } from "../../support/sandbox.ts";
import { dial, head, heardUntilClosed, rpc } from "../../support/server/door.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

const run = promisify(execFile);
const isAdministrator = process.getuid?.() === 0;
/** User ids that nothing on the machine has. */
const [owner, stranger] = [54_321, 54_322];

/** Posts from a program of another user, with nothing but bash, which every user may run. @returns all of the answer */
async function postAs(uid: number, { url }: RunningServer, body: string, path = "/mcp", method = "POST", address = "") {
  const { hostname, port, host } = new URL(url);
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, "Content-Type: application/json", "Connection: close"];
  const request = [...lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n");
  const script = `exec 3<>"/dev/tcp/$1/$2"; printf %s "$3" >&3; cat <&3`;
  const as = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups", "--", "bash", "-c", script, "bash"];
  const { stdout } = await run("setpriv", [...as, address || hostname.replace(/^\[|\]$/g, ""), port, request]);
  return stdout;
}

/** A server that another user runs, who may read the program wherever it lies. */
async function serveAs(t: TestContext, uid: number, env: Readonly<Record<string, string>> = {}) {
  const sandbox = createSandbox(t);
  mkdirSync(sandbox.home, { mode: 0o700 });
  for (const folder of [sandbox.folder, sandbox.home, sandbox.env.HOME ?? ""]) chownSync(folder, uid, uid);
  const rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  const server = await sandbox.serve(env, [
    "setpriv",
    "--reuid",
    `${uid}`,
    "--regid",
    `${uid}`,
    "--clear-groups",
    ...rights,
  ]);
  return { sandbox, server };
}

const start = () => toolCall(1, "track_session_start", startArguments());
const list = toolCall(1, "list_active_sessions", {});
const refused = (uid: number, other: string | number) =>
  new RegExp(
    `^HTTP/1\\.1 403 .*"code":-32000,"message":"This server is for user id ${uid} alone, and this connection is of user id ${other}; .*--allow-other-users.*SESSION_BUDDY_SECRET`,
    "s",
  );

test("a server is for its own user and says so", async (t) => {
  const sandbox = createSandbox(t);
  for (const host of ["127.0.0.1", "::1", "127.0.0.3"]) {
    const server = await sandbox.serve({ SESSION_BUDDY_HOST: host });
    assert.match(server.log(), /authentication=off, users=own\n/);
    for (let count = 0; count < 5; count += 1) assert.equal((await ask(server.url, { body: start() })).status, 200);
    const metrics = await ask(new URL("/metrics", server.url).href, { method: "GET" });
    assert.equal(metrics.status, 200);
    await server.stop();
  }
});

test("many connections at once are each looked at", async (t) => {
  const { url } = await createSandbox(t).serve();
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(url, { body: rpc(1, "ping") })));
  assert.ok(answers.every(({ status }) => status === 200));
});

test("whoever has closed its connection before it was looked at is nobody, and is not served", async (t) => {
  const { url, log, child } = await createSandbox(t).serve();
  const { hostname, port } = new URL(url);
  child.kill("SIGSTOP");
  const body = start();
  const socket = connect(Number(port), hostname);
  socket.end(
    `POST /mcp HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
  await new Promise((resolve) => socket.once("close", resolve));
  child.kill("SIGCONT");
  await eventually(() => assert.match(log(), /WARNING - Connection refused: reason=.*cannot be seen whose/));
  assert.doesNotMatch(log(), /tracked/);
});

test("one who closes its own side alone behind a call is answered", async (t) => {
  const { url } = await createSandbox(t).serve();
  const socket = await dial(url);
  const body = start();
  socket.end(head(url, `Content-Length: ${body.length}`).replace("Connection: close\r\n", "") + body);
  assert.match(await heardUntilClosed(socket), /^HTTP\/1\.1 200 .*"status":"tracked"/s);
});

test("with --allow-other-users, or the setting, the start line says that all are served", async (t) => {
  const sandbox = createSandbox(t);
  const opened = await sandbox.serve({ SESSION_BUDDY_ALLOW_OTHER_USERS: "yes" });
  assert.match(opened.log(), /authentication=off, users=all\n/);
  if (isAdministrator) assert.match(await postAs(stranger, opened, start()), /^HTTP\/1\.1 200 .*"status":"tracked"/s);
  const stdio = await sandbox.run(["serve", "--stdio", "--allow-other-users"]);
  assert.equal(stdio.status, 2);
});

if (isAdministrator) {
  test("another user gets 403 and a sentence, reads nothing and ends nothing", async (t) => {
    for (const host of ["127.0.0.1", "::1"]) {
      const server = await createSandbox(t).serve({ SESSION_BUDDY_HOST: host });
      const tracked = JSON.parse((await ask(server.url, { body: start() })).body).result.structuredContent;
      assert.equal(tracked.status, "tracked");
      const end = toolCall(1, "track_session_end", {
        session_id: tracked.session_id,
        timestamp: "2026-02-06T13:00:00Z",
      });
      for (const body of [list, end, start(), rpc(1, "ping")]) {
        assert.match(await postAs(stranger, server, body), refused(0, stranger));
      }
      assert.match(await postAs(stranger, server, rpc(0, "initialize"), "/mcp?session=true"), refused(0, stranger));
      assert.match(await postAs(stranger, server, "", "/metrics", "GET"), refused(0, stranger));
      for (const path of ["sessions", "sessions/x", "sessions/x/why", "stats?by=user", "timeline", "live"]) {
        const answer = await postAs(stranger, server, "", `/v1/${path}`, "GET");
        assert.match(answer, /^HTTP\/1\.1 403 .*"error":"This server is for user id 0 alone, and this/s);
      }
      // What tells nothing is for everybody, as it is where others need a token.
      assert.match(await postAs(stranger, server, "", "/healthz", "GET"), /^HTTP\/1\.1 200 /);
      assert.match(server.log(), new RegExp(`WARNING - Connection refused: reason=.*user id ${stranger}`));
      const sessions = JSON.parse((await ask(server.url, { body: list })).body).result.structuredContent.sessions;
      assert.deepEqual(
        sessions.map((session: { session_id: string }) => session.session_id),
        [tracked.session_id],
      );
      await server.stop();
    }
  });

  test("a server of one user serves that user and the administrator, and no third", async (t) => {
    const { server } = await serveAs(t, owner);
    assert.match(await postAs(owner, server, start()), /^HTTP\/1\.1 200 .*"status":"tracked"/s);
    assert.equal((await ask(server.url, { body: start() })).status, 200);
    assert.match(await postAs(stranger, server, start()), refused(owner, stranger));
  });

  test("a socket of IPv6 that reaches the IPv4 address is told by its user too", async (t) => {
    const server = await createSandbox(t).serve();
    const { port } = new URL(server.url);
    const mapped = "::ffff:127.0.0.1";
    assert.match(await postAs(stranger, server, start(), "/mcp", "POST", mapped), refused(0, stranger));
    const socket = connect(Number(port), mapped);
    socket.write(`GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    assert.match(await heardUntilClosed(socket), /^HTTP\/1\.1 200 /);
  });

  test("with a secret the tokens decide, whoever brings them", async (t) => {
    const server = await createSandbox(t).serve({ SESSION_BUDDY_SECRET: secret });
    assert.match(server.log(), /authentication=on\n/);
    const token = await tokenMakers.jose(claims());
    const call = toolCall(1, "track_session_start", startArguments({ token }));
    assert.match(await postAs(stranger, server, call), /^HTTP\/1\.1 200 .*"status":"tracked"/s);
    assert.match(await postAs(stranger, server, start()), /Token required/);
  });

  test("where the system does not tell whose a connection is, a warning is on the log and all are served", async (t) => {
    // As on a system without /proc/net/tcp.
    const hidden = ["unshare", "--mount", "bash", "-c", 'mount -t tmpfs tmpfs /proc && exec "$@"', "bash"];
    const server = await createSandbox(t).serve({}, hidden);
    await eventually(() =>
      assert.match(
        server.log(),
        /users=all\nWARNING - Every user of this machine can use this server: reason=.*SECRET/,
      ),
    );
    assert.match(await postAs(stranger, server, rpc(1, "ping")), /^HTTP\/1\.1 200 /);
  });
}
