/** Proves that no secret and no token is written anywhere, whatever is done with the program and whatever goes wrong. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { createSandbox, type RunningServer, type Sandbox } from "../support/sandbox.ts";
import { claims, tokenMakers } from "../support/server/jwt.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";
import { couriersDone, openShell, runLine } from "../support/shells/shells.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { createLeaks, type Leaks } from "./leaks.ts";
import { strayCalls, strayRequests } from "./stray-calls.ts";

interface Place {
  readonly sandbox: Sandbox;
  readonly env: Readonly<Record<string, string>> &
    Readonly<Record<"SESSION_BUDDY_SECRET" | "SESSION_BUDDY_KEYS_FILE", string>>;
  /** Sent where a token belongs alone. */
  readonly token: string;
  /** As good as the other, and sent where no token belongs: whoever sent it may get it back, and nobody else. */
  readonly stray: string;
  /** For everything that is written. */
  readonly written: Leaks;
  /** For what goes back to whoever sent the stray token. */
  readonly answers: Leaks;
}

/** One byte less than a secret must have. */
const shortSecretLength = 31;

/** The first part is the same in all tokens, and tells nothing. */
function partsOf(name: string, token: string): Record<string, string> {
  const [, payload = "", signature = ""] = token.split(".");
  assert.ok(payload.length > 20 && signature.length > 20, `no token: ${token}`);
  return { [`the payload of ${name}`]: payload, [`the signature of ${name}`]: signature };
}

async function createPlace(t: TestContext): Promise<Place> {
  const sandbox = createSandbox(t);
  mkdirSync(join(sandbox.home, "shells"), { recursive: true, mode: 0o700 });
  chmodSync(sandbox.home, 0o700);
  const secret = `recognisable-secret-${randomUUID()}`;
  const previous = `previous-secret-${randomUUID()}`;
  const keysFile = join(temporaryFolder(t), "keys.json");
  const made = await sandbox.run(["token", "keys", "create", "--file", keysFile]);
  const [{ d: privateKey }] = JSON.parse(readFileSync(keysFile, "utf8")).keys;
  const env = {
    SESSION_BUDDY_SECRET: secret,
    SESSION_BUDDY_PREVIOUS_SECRETS: previous,
    SESSION_BUDDY_KEYS_FILE: keysFile,
    SESSION_BUDDY_LOG_FILE: join(sandbox.folder, "log"),
    DEBUG: "*",
  };
  const created = await sandbox.run(["token", "create", "--user-id", "ci"], { env });
  const token = created.stdout.trim();
  const stray = await tokenMakers.hand(claims({ user_id: "ci-2", jti: randomUUID() }), { secret });
  // A secret that is cut off is one as well.
  const needles = {
    "the secret": secret.slice(0, shortSecretLength),
    "the previous secret": previous,
    "the private key": String(privateKey),
    ...partsOf("the token", token),
  };
  const written = createLeaks({ ...needles, ...partsOf("the stray token", stray) });
  written.look("token keys create, and the errors of token create", made.stdout + made.stderr + created.stderr);
  return { sandbox, env, token, stray, written, answers: createLeaks(needles) };
}

/** Everything that lies about, and nothing of it may be found; the one who looks is seen to find first. */
function finish({ sandbox, token, written, answers }: Place, stopWatching: () => void): void {
  stopWatching();
  written.lookBelow(sandbox.folder);
  const control = createLeaks({ token });
  control.look("token create", `${token}\n`);
  assert.throws(() => control.assertNone(), /token in token create/);
  answers.assertNone();
  written.assertNone();
}

test("a server over HTTP, with good, bad and stray tokens", async (t) => {
  const place = await createPlace(t);
  const { sandbox, env, token, stray, written, answers } = place;
  const stopWatching = written.watchProcesses();
  const server = await sandbox.serve(env);
  const post = async (tool: string, args: unknown) => {
    const { body } = await ask(server.url, { body: toolCall(1, tool, args) });
    return body;
  };
  const id = JSON.parse(await post("track_session_start", startArguments({ token }))).result.structuredContent
    .session_id;
  const other = startArguments({ metadata: { a: 1 } });
  const Authorization = `Bearer ${token}`;
  const header = await ask(server.url, { body: toolCall(1, "track_session_start", other), headers: { Authorization } });
  assert.match(header.body, /tracked/);
  const good: [string, Record<string, unknown>][] = [
    ["get_session", { session_id: id }],
    ["explain_session", { session_id: id }],
    ["list_active_sessions", {}],
    ["search_sessions", { limit: 5 }],
    ["session_stats", { by: "component" }],
    ["session_timeline", {}],
    ["track_session_end", endArguments(id)],
  ];
  for (const [tool, args] of good) written.look(`the answer of ${tool}`, await post(tool, { ...args, token }));
  const read = { method: "resources/read", params: { uri: `session://${id}`, _meta: { token } } };
  const resource = await ask(server.url, { body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...read }) });
  assert.match(resource.body, /mahavishnu/);
  written.look("the answer of resources/read", resource.body);

  for (const args of [
    {},
    { token: `${token}x` },
    { token: `Bearer ${token}` },
    { token: [token] },
    { token: env.SESSION_BUDDY_SECRET },
  ])
    written.look("the answer to a bad token", await post("track_session_start", startArguments({ ...args, pid: 0 })));
  for (const [tool, args] of [...strayCalls(stray, token), ...strayCalls(stray, undefined)])
    answers.look(`the answer of ${tool.slice(0, 30)}`, await post(tool, args));
  for (const [path, question] of strayRequests(stray)) {
    const { body, headers } = await ask(new URL(path, server.url).href, question);
    answers.look(`the answer of ${path.slice(0, 30)}`, `${JSON.stringify(headers)}${body}`);
  }
  answers.look("the answer to no HTTP", await raw(server, `${stray} ${token} HTTP/9\r\nToken: ${stray}\r\n\r\n`));
  const metrics = await ask(new URL("/metrics", server.url).href, { method: "GET", headers: { Authorization } });
  assert.match(metrics.body, /mcp_event_emit_failure_total\{.*error_type="authentication"/);
  written.look("/metrics", `${JSON.stringify(metrics.headers)}${metrics.body}`);
  written.lookBelow(sandbox.folder);
  const { status, stdout, stderr } = await server.stop();
  assert.equal(status, 0);
  written.look("what serve printed", stdout + stderr + server.log());
  assert.match(stderr, /code=auth\.invalid/);
  finish(place, stopWatching);
});

test("a server over standard input and output, with good, bad and stray tokens", async (t) => {
  const place = await createPlace(t);
  const { sandbox, token, stray, written, answers } = place;
  const { SESSION_BUDDY_SECRET: secret, ...env } = place.env;
  const file = join(temporaryFolder(t), "secret");
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  const stopWatching = written.watchProcesses();
  const calls = [
    ["track_session_start", startArguments({ token })] as const,
    ["track_session_start", startArguments({ token: secret })] as const,
    ...strayCalls(stray, token),
    ...strayCalls(stray, undefined),
  ];
  const lines = calls.map(([tool, args], index) => toolCall(index, tool, args));
  const input = [...lines, stray, `{"jsonrpc":"2.0","id":"${stray}","method":"${stray}"}`, ""].join("\n");
  const { status, stdout, stderr } = await sandbox.run(["serve", "--stdio"], {
    env: { ...env, SESSION_BUDDY_SECRET_FILE: file },
    input,
  });
  assert.equal(status, 0);
  assert.match(stdout, /tracked/);
  answers.look("the answers", stdout);
  written.look("the errors", stderr);
  finish(place, stopWatching);
});

test("every command, in good order and in bad, and a real shell with the secret in its environment", async (t) => {
  const place = await createPlace(t);
  const { sandbox, env, token, written } = place;
  const stopWatching = written.watchProcesses();
  const shell = await openShell(t, sandbox, "bash", { env });
  await runLine(shell, "true");
  const id = (await sandbox.run(["start"], { env })).stdout.trim();
  const file = join(sandbox.folder, "state");
  const secretFile = join(sandbox.folder, "open-secret");
  writeFileSync(secretFile, `${env.SESSION_BUDDY_SECRET}\n`);
  chmodSync(secretFile, 0o644);
  const commands: readonly (readonly string[])[] = [
    ...["--help", "--version", "list", "stats", "timeline", "current", "doctor", "reconcile", "rebuild"].map((c) => [
      c,
    ]),
    ...["list --all --json", "list --all --csv", "stats --by user --json", "doctor --json", "hook status --json"],
    ...[`show ${id}`, `show ${id} --json`, `why ${id}`, "show none", "why none", "end none", "start --metadata a=b"],
    ...[
      "config list",
      "config path",
      "config get port",
      "config set port 1x",
      "config set secret x",
      "config get secret",
    ],
    ...["hook install", "hook status", "hook uninstall", "completion bash", "completion zsh", "completion fish"],
    ...["token secret", "token create --ttl never", "token --user-id", "token create --user-id ''", "token nothing"],
    ...[
      `start --state-file ${file}`,
      `end --state-file ${file}`,
      `end --state-file ${file}`,
      `end ${id} --exit-code 3`,
    ],
    ...[
      "prune --help",
      "backup --help",
      `backup ${join(sandbox.folder, "copy.db")}`,
      "restore --help",
      `restore ${join(sandbox.folder, "none.db")}`,
      "serve --port 70000",
      "serve --stdio --port 1",
    ],
    ...["nothing", "--secret", "serve --host 192.0.2.1 --port 0", "serve --host nowhere.invalid --port 0"],
  ].map((words) => (typeof words === "string" ? words.split(" ") : words));
  for (let at = 0; at < commands.length; at += 4) {
    await Promise.all(
      commands.slice(at, at + 4).map(async (args) => {
        const { stdout, stderr } = await sandbox.run(args, { env });
        written.look(`session-buddy ${args.join(" ")}`, stdout + stderr);
      }),
    );
  }
  for (const [args, input] of [
    ...["verify", "verify --json", "inspect", "inspect --json"].flatMap((words) =>
      [token, `${token}x`, place.stray, `Bearer ${token}`, env.SESSION_BUDDY_SECRET].map(
        (text) => [words, text] as const,
      ),
    ),
    ...["list", "list --json", "export", "drop none", "create", "rotate", "list"].map(
      (words) => [`keys ${words}`, ""] as const,
    ),
  ]) {
    const { stdout, stderr } = await sandbox.run(["token", ...args.split(" ")], { env, input });
    written.look(`session-buddy token ${args}`, stdout + stderr);
  }
  const brokenKeys = join(temporaryFolder(t), "broken.json");
  writeFileSync(brokenKeys, readFileSync(env.SESSION_BUDDY_KEYS_FILE, "utf8").slice(1), { mode: 0o600 });
  const bad = [
    { SESSION_BUDDY_KEYS_FILE: brokenKeys },
    { SESSION_BUDDY_SECRET: env.SESSION_BUDDY_SECRET, SESSION_BUDDY_PREVIOUS_SECRETS: "short, shorter" },
    { SESSION_BUDDY_SECRET_FILE: secretFile },
    { SESSION_BUDDY_SECRET_FILE: env.SESSION_BUDDY_SECRET, SESSION_BUDDY_PORT: "x" },
    { SESSION_BUDDY_SECRET_FILE: sandbox.folder },
    { SESSION_BUDDY_SECRET: env.SESSION_BUDDY_SECRET.slice(0, shortSecretLength), SESSION_BUDDY_ISSUERS: "," },
  ];
  for (const wrong of bad) {
    const { status, stderr } = await sandbox.run(["serve", "--port", "0"], { env: wrong as Record<string, string> });
    assert.notEqual(status, 0);
    written.look(`serve with ${Object.keys(wrong).join(" and ")}`, stderr);
  }
  written.lookBelow(sandbox.folder, [secretFile]);
  shell.type("exit 3\r");
  await shell.ended();
  await couriersDone(sandbox);
  written.look("the terminal", shell.output());
  // Taken away first: a courier that is closing its connection at this moment would write its pages into what is put there.
  for (const name of ["", "-wal", "-shm"]) rmSync(join(sandbox.home, `sessions.db${name}`), { force: true });
  writeFileSync(join(sandbox.home, "sessions.db"), `no database ${token.slice(0, 5)}`.repeat(1_000));
  for (const args of [["serve", "--port", "0"], ["list"], ["start"], ["doctor"], ["token"]]) {
    const { stdout, stderr } = await sandbox.run(args, { env });
    written.look(`session-buddy ${args.join(" ")} without a database`, args[0] === "token" ? stderr : stdout + stderr);
  }
  writeFileSync(secretFile, "");
  finish(place, stopWatching);
});

/** Sends bytes that are no HTTP. @returns what came back before the server closed */
function raw({ url }: RunningServer, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = "";
    const socket = connectSocket(Number(port), hostname, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", () => {}).on("close", () => resolve(answer));
  });
}
