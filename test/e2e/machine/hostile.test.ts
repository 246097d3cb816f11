/** Proves that a command believes no service: whatever it answers, and wherever the answer is cut, a sentence says so. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createSocket, type Server } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { assertRefused, rowKeys } from "../../support/rows.ts";
import { createSandbox, type Sandbox } from "../../support/sandbox.ts";
import { createUser, type User } from "../../support/users.ts";

interface Trap {
  readonly user: User;
  readonly env: Readonly<Record<string, string>>;
  /** What answers the questions of the next commands. */
  answerWith(answer: (response: ServerResponse, url: string) => void): void;
}

function placeOf(sandbox: Sandbox) {
  const spool = join(sandbox.folder, "spool");
  mkdirSync(spool);
  chmodSync(spool, 0o3733);
  const socket = join(sandbox.folder, "socket");
  return { socket, env: { SESSION_BUDDY_SPOOL: spool, SESSION_BUDDY_SOCKET: socket } };
}

async function listen(t: TestContext, server: Server, socket: string): Promise<void> {
  await new Promise<void>((resolve) => server.listen(socket, () => resolve()));
  chmodSync(socket, 0o666);
  t.after(() => server.close());
}

/** A service of this process, which logs everybody in, and then answers as it is told to. */
async function openTrap(t: TestContext): Promise<Trap> {
  const sandbox = createSandbox(t);
  const user = createUser(t, sandbox);
  const { socket, env } = placeOf(sandbox);
  let answer: Parameters<Trap["answerWith"]>[0] = (response) => response.end();
  const server = createServer((request, response) => {
    request.resume();
    if (request.url !== "/v1/login") return answer(response, request.url ?? "");
    const login = { status: "ok", error: null, token: "x.y.z", expires_at: "2126-01-01T00:00:00Z", scope: "read:own" };
    json(response, 200, login);
  });
  t.after(() => server.closeAllConnections());
  await listen(t, server, socket);
  return {
    user,
    env,
    answerWith(next) {
      answer = next;
    },
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(text);
}

const ok = { status: "ok", error: null, as_of: "2026-02-06T12:34:56Z" };
const row = Object.fromEntries([
  ...rowKeys.map((key) => [key, null]),
  ...["component_name", "shell_type", "hostname", "username", "cwd"].map((key) => [key, "x"]),
  ["session_id", "shell-1"],
  ["state", "active"],
  ["pid", 5],
  ["started_at", "2026-02-06T12:34:56Z"],
]);
const page = (sessions: unknown, next_cursor: unknown = null) => ({ ...ok, sessions, next_cursor });

const answers: readonly (readonly [name: string, answer: (response: ServerResponse) => void, words: RegExp])[] = [
  ["nothing at all", (response) => response.end(), /is not JSON/],
  ["no JSON", (response) => json(response, 200, "<html>"), /is not JSON/],
  ["null", (response) => json(response, 200, null), /unexpected form at answer/],
  ["a list", (response) => json(response, 200, []), /unexpected form at answer/],
  ["another form", (response) => json(response, 200, ok), /unexpected form at answer\.sessions/],
  [
    "a row of another form",
    (response) => json(response, 200, page([{ ...row, pid: "5" }])),
    /at answer\.sessions\[0\]\.pid/,
  ],
  ["a time that is none", (response) => json(response, 200, page([{ ...row, started_at: "now" }])), /started_at/],
  ["a state that is not known", (response) => json(response, 200, page([{ ...row, state: "open" }])), /state/],
  [
    "a refusal with the terminal's own commands",
    (response) => json(response, 500, { status: "error", error: "\u001b[2J\nx" }),
    /refuses: \\x1b\[2J\\nx; /,
  ],
  [
    "a refusal of any length",
    (response) => json(response, 500, { status: "error", error: "x".repeat(100_000) }),
    /refuses: x{500}; /,
  ],
  [
    "a refusal without a word",
    (response) => json(response, 503, { status: "error", error: null }),
    /it gave no reason/,
  ],
  ["a token that is never good", (response) => json(response, 401, { status: "error", error: "no" }), /refuses: no; /],
  [
    "a way elsewhere",
    (response) => {
      response.writeHead(302, { Location: "http://127.0.0.1:1/" });
      response.end("{}");
    },
    /sends to http/,
  ],
  [
    "half an answer",
    (response) => {
      response.writeHead(200, { "Content-Length": "5000" });
      response.write('{"status": "ok", "sessions": [');
      setTimeout(() => response.destroy(), 10);
    },
    /cannot be read: the connection was cut|cannot be read: aborted/,
  ],
  [
    "an answer without an end",
    (response) => {
      const more = () => {
        while (!response.destroyed && response.write("[".repeat(1024 * 1024)));
        if (!response.destroyed) response.once("drain", more);
      };
      response.writeHead(200);
      more();
    },
    /cannot be read: it is too large/,
  ],
  ["the same page again and again", (response) => json(response, 200, page([row], "next")), /do not follow each other/],
  ["empty pages without an end", (response) => json(response, 200, page([], "next")), /do not follow each other/],
];

test("whatever it answers, and wherever it is cut, one sentence says so", async (t) => {
  const { user, env, answerWith } = await openTrap(t);
  for (const [name, answer, words] of answers) {
    answerWith(answer);
    const outcome = await user.run(["list", "--json"], { env });
    assert.match(outcome.stderr, words, name);
    assertRefused(outcome, 5, /^session-buddy: /);
  }
});

test("text of others is escaped as that of the own record is", async (t) => {
  const { user, env, answerWith } = await openTrap(t);
  const cwd = "/\u001b]0;x\u0007\u202e";
  answerWith((response) => json(response, 200, page([{ ...row, cwd, username: "a\nb" }])));
  for (const args of [["list"], ["list", "--json"], ["list", "--format", "csv"], ["who"], ["last"]]) {
    const { status, stdout, stderr } = await user.run(args, { env });
    assert.deepEqual([status, stderr], [0, ""], args.join(" "));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u202e]/);
  }
  const parsed = JSON.parse((await user.run(["list", "--json"], { env })).stdout);
  assert.deepEqual([parsed[0].cwd, parsed[0].username], [cwd, "a\nb"]);
});

test("a record of the wrong form is refused in every command, and no command breaks on one", async (t) => {
  const { user, env, answerWith } = await openTrap(t);
  answerWith((response, url) => {
    if (url.includes("/why")) return json(response, 200, { ...ok, explanation: { events: 5 } });
    if (url.includes("/sessions/")) return json(response, 200, { ...ok, session: row, events: [{ details: 5 }] });
    if (url.includes("/stats")) return json(response, 200, { ...ok, by: "user", groups: [{}], omitted: 0 });
    if (url.includes("/live")) return json(response, 200, ok);
    return json(response, 200, page([null]));
  });
  for (const args of [
    ["show", "x"],
    ["why", "x"],
    ["stats"],
    ["timeline"],
    ["current"],
    ["watch", "--format", "ndjson"],
    ["who"],
    ["last"],
  ]) {
    assertRefused(await user.run(args, { env }), 5, /unexpected form|refuses/);
  }
});

test("what speaks no HTTP is told in a sentence, and no file of the login stays behind", async (t) => {
  const sandbox = createSandbox(t);
  const user = createUser(t, sandbox);
  const { socket, env } = placeOf(sandbox);
  const server = createSocket((connection) => {
    connection.on("error", () => {});
    connection.end("SSH-2.0-x\r\n\r\n");
  });
  await listen(t, server, socket);
  assertRefused(
    await user.run(["list"], { env }),
    5,
    /does not answer at \S+: .*; your own record is asked with --personal/,
  );
  const { readdirSync } = await import("node:fs");
  assert.deepEqual(readdirSync(env.SESSION_BUDDY_SPOOL), []);
});
