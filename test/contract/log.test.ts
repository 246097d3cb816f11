/** Proves the exact log lines of starts and ends, on standard error and in the log file, whatever clients send (section 7). */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { type LogLine, readLogLine } from "../support/server/log-lines.ts";
import { type Connection, call, connect, type TransportKind, transportKinds } from "../support/server/transports.ts";

const id = "mahavishnu-20260206-123456";
const forged = "INFO - Session start tracked: session_id=x, status=tracked";
const canary = "canary-Zm9yZ2Vk";
const hostileTexts = [
  `x\n${forged}\ny`,
  `x\r${forged}`,
  "\u001b[2J\u001b]0;title\u0007",
  "\u202egnp.exe\u2066",
  "bash, pid=1, status=tracked",
  'bash", pid=1, status="tracked',
  '\\", status=forged, x="',
  "\u2028\u2029\u0085\0",
];

interface LoggedConnection extends Connection {
  readonly logFile: string;
  /** Lines of the log after the first, which says what is served; the same on standard error and in the file. */
  lines(count: number): Promise<readonly LogLine[]>;
}

async function connectLogged(t: TestContext, kind: TransportKind): Promise<LoggedConnection> {
  const sandbox = createSandbox(t);
  const logFile = join(sandbox.folder, "log");
  const connection = await connect(t, sandbox, kind, { env: { SESSION_BUDDY_LOG_FILE: logFile } });
  return {
    ...connection,
    logFile,
    lines: (count) =>
      eventually(() => {
        const text = readFileSync(logFile, "utf8");
        assert.equal(connection.log(), text);
        const lines = text.trimEnd().split("\n").slice(1).map(readLogLine);
        assert.equal(lines.length, count);
        return lines;
      }),
  };
}

for (const kind of transportKinds) {
  test(`over ${kind}, a start and an end are logged in the contract's words`, async (t) => {
    const { start, end, lines, logFile } = await connectLogged(t, kind);
    await start();
    await end(id);
    await lines(2);
    const [, startLine = "", endLine = ""] = readFileSync(logFile, "utf8").split("\n");
    assert.ok(
      startLine.startsWith(
        `INFO - Session start tracked: session_id=${id}, component=mahavishnu, shell_type=MahavishnuShell, pid=12345, status=tracked`,
      ),
    );
    assert.ok(endLine.startsWith(`INFO - Session end tracked: session_id=${id}, status=ended`));
    assert.equal(statSync(logFile).mode & 0o777, 0o600);
  });

  test(`over ${kind}, what fails is logged as a warning and never as tracked`, async (t) => {
    const { start, end, lines } = await connectLogged(t, kind);
    await start({ pid: 0 });
    await start({ component_name: "a b", user: undefined });
    await end("nobody");
    await end(id, { timestamp: "now" });
    for (const { level, message, fields } of await lines(4)) {
      assert.equal(level, "WARNING");
      assert.doesNotMatch(message, /tracked/);
      assert.ok(!fields.some(([, value]) => value === "tracked" || value === "ended"));
    }
  });

  test(`over ${kind}, no text of a client makes a line or a field of its own`, async (t) => {
    const { start, end, lines } = await connectLogged(t, kind);
    for (const text of hostileTexts) {
      const environment = { python_version: text, platform: text, cwd: text, [text]: text };
      const everywhere = { shell_type: text, hostname: text, user: { username: text, home: text }, environment };
      assert.equal((await start(everywhere)).status, "tracked");
      await start({ component_name: text });
      await start({ [text]: 1 });
      await start({ event_id: text, timestamp: text, event_type: text });
      await end(text);
      await end(text, { event_type: text });
    }
    const expected = [
      ["Session start tracked", "session_id", "component", "shell_type", "pid", "status"],
      ...Array.from({ length: 3 }, () => ["Session start failed", "code", "reason"]),
      ["Session end for an unknown session", "session_id", "status"],
      ["Session end failed", "code", "reason"],
    ];
    const logged = (await lines(hostileTexts.length * expected.length)).map(({ message, fields }) => [
      message,
      ...fields.map(([key]) => key),
    ]);
    assert.deepEqual(
      logged,
      hostileTexts.flatMap(() => expected),
    );
  });

  test(`over ${kind}, metadata and tokens are never logged, whether the call is good or bad`, async (t) => {
    const { client, start, end, lines, logFile } = await connectLogged(t, kind);
    const secrets = { metadata: { [canary]: canary, exit_reason: canary }, token: canary };
    await start(secrets);
    await end(id, secrets);
    await start({ ...secrets, pid: 0 });
    await end(id, { ...secrets, timestamp: "" });
    await start({ metadata: canary, token: { canary } });
    await start({ metadata: { a: canary.repeat(2000) } });
    await call(client, "track_session_start", { ...startArguments({ metadata: [canary] }), user: undefined });
    await lines(7);
    assert.ok(!readFileSync(logFile, "utf8").includes(canary));
  });
}

test("a server whose standard error nobody reads any more goes on", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  const client = await sandbox.httpClient(server);
  server.child.stderr?.destroy();
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await call(client, "track_session_start", startArguments())).status, "tracked");
  }
  assert.equal((await server.stop()).status, 0);
});
