/** Proves that a question asked of a server elsewhere prints what the same question prints there, and says what to do where it cannot. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createAuthority, createSelfSigned } from "../../support/certificates.ts";
import { assertRefused, runWell } from "../../support/rows.ts";
import { createSandbox, type Sandbox } from "../../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { openFront } from "../../support/server/tls-front.ts";
import { recordHistory, type Story } from "../../support/store/history.ts";

const stories: readonly Story[] = [
  { id: "closed", from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00.5Z", end: { exitCode: 3, reason: "exit" } },
  { id: "lost", from: "2026-03-10T08:30:00Z", lost: ["2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z"] },
  { id: "of ann/1", from: "2026-03-10T09:30:00Z", start: { username: "ann", hostname: "web1" } },
  { id: "of-bob", from: "2026-03-10T09:40:00Z", start: { username: "bob", hostname: "web2" } },
];

const window = ["--since", "2026-03-01T00:00:00Z", "--until", "2026-03-31T00:00:00Z"];
/** Each as it is asked of a record at hand; the address is put behind it. */
const commands: readonly (readonly string[])[] = [
  ["list"],
  ["list", "--all", "--json"],
  ["list", "--all", "--format", "csv"],
  ["list", "--all", "--format", "ndjson", "--host", "web1"],
  ["list", "--tree"],
  ["list", "--all", "--limit", "2"],
  ["list", "--at", "2026-03-10T08:45:00Z", "--json"],
  ["list", "--user", "nobody"],
  ["who"],
  ["who", "--host", "web2", "--json"],
  ["last", "--limit", "3"],
  ["show", "of ann/1"],
  ["show", "closed", "--json"],
  ["why", "lost"],
  ["why", "of-bob", "--json"],
  ["stats", "--by", "host"],
  ["stats", "--by", "day", "--json"],
  ["timeline", ...window, "--by", "user"],
  ["timeline", ...window, "--json"],
];

/** A server with a secret, and somebody elsewhere with a record of their own. */
async function openPlaces(t: TestContext) {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  await recordHistory(central, stories);
  await recordHistory(reader, [{ id: "my-own", from: "2026-03-10T08:00:00Z" }]);
  const server = await central.serve({ SESSION_BUDDY_SECRET: secret });
  return { central, reader, server, url: new URL(server.url).origin };
}

const tokenOf = (changes: object) => tokenMakers.hand(claims({ user_id: "ann", ...changes }));

function tokenFile({ folder }: Sandbox, token: string, mode = 0o600): string {
  const file = join(folder, "token");
  writeFileSync(file, `${token}\n`);
  chmodSync(file, mode);
  return file;
}

test("every question prints of a record elsewhere what it prints of the same record at hand", async (t) => {
  const { central, reader, url } = await openPlaces(t);
  const file = tokenFile(reader, await tokenOf({}));
  for (const [name, value] of [
    ["from", url],
    ["from_token_file", file],
  ] as const) {
    await runWell(reader, ["config", "set", name, value]);
  }
  for (const [at, args] of commands.entries()) {
    const here = await central.run(args);
    // By the setting and by the option in turn.
    assert.deepEqual(await reader.run(at % 2 === 0 ? args : [...args, "--from", url]), here, args.join(" "));
  }
  const missing = await reader.run(["show", "nothing"]);
  assertRefused(missing, 1, /no session nothing is on record/);
  // What is asked of this machine is not asked elsewhere.
  assert.match(await runWell(reader, ["list", "--personal", "--all", "--json"]), /"my-own"/);
  assertRefused(await reader.run(["current"]), 1, /this shell is not on record/);
  assertRefused(await reader.run(["list", "--personal", "--from", url]), 2, /either --personal or --from, not both/);
});

test("what a token does not show is not seen, and what is wrong with one is said with what to do", async (t) => {
  const { reader, url } = await openPlaces(t);
  const list = (env: Readonly<Record<string, string>>, ...more: string[]) =>
    reader.run(["list", "--json", "--from", url, ...more], { env });
  const ids = async (env: Readonly<Record<string, string>>) =>
    JSON.parse((await list(env)).stdout).map((row: { session_id: string }) => row.session_id);
  assert.deepEqual(await ids({ SESSION_BUDDY_FROM_TOKEN: await tokenOf({ scope: "read:own" }) }), ["of ann/1"]);
  assert.deepEqual(await ids({ SESSION_BUDDY_FROM_TOKEN: await tokenOf({ scope: "read:all" }) }), [
    "of-bob",
    "of ann/1",
  ]);
  const own = { SESSION_BUDDY_FROM_TOKEN: await tokenOf({ scope: "read:own" }) };
  assertRefused(await reader.run(["show", "of-bob", "--from", url], { env: own }), 1, /no session of-bob/);

  assertRefused(
    await list({}),
    4,
    /^session-buddy: the record at \S+ needs a token: .* from_token_file, or into SESSION_BUDDY_FROM_TOKEN$/m,
  );
  const writer = { SESSION_BUDDY_FROM_TOKEN: await tokenOf({ scope: "write" }) };
  assertRefused(await list(writer), 4, /refuses: .*The scope of this token does not allow it/);
  const old = { SESSION_BUDDY_FROM_TOKEN: await tokenOf({ exp: 1 }) };
  assertRefused(
    await list(old),
    4,
    /refuses the token of SESSION_BUDDY_FROM_TOKEN: .*Token has expired; .*token verify/,
  );
  for (const bad of ["a b", "a\nb", "ü", "x".repeat(20_000)]) {
    assertRefused(await list({ SESSION_BUDDY_FROM_TOKEN: bad }), 4, /SESSION_BUDDY_FROM_TOKEN holds no token; /);
  }
  const file = { SESSION_BUDDY_FROM_TOKEN_FILE: tokenFile(reader, await tokenOf({ iss: "another" })) };
  assertRefused(
    await list(file),
    4,
    new RegExp(`refuses the token of ${file.SESSION_BUDDY_FROM_TOKEN_FILE}: .*Invalid token`),
  );
  tokenFile(reader, await tokenOf({}));
  assert.equal((await list(file)).status, 0);
  tokenFile(reader, await tokenOf({}), 0o644);
  assertRefused(await list(file), 4, /the token file \S+ is open to other users; close it with: chmod 600/);
  assertRefused(await list({ SESSION_BUDDY_FROM_TOKEN_FILE: `${file}.gone` }), 2, /an absolute path is needed/);
  const gone = { SESSION_BUDDY_FROM_TOKEN_FILE: join(reader.folder, "gone") };
  assertRefused(await list(gone), 4, /from_token_file cannot be read: ENOENT/);
});

test("a server is believed by its authority or its pin, and nothing is sent to another", async (t) => {
  const { reader, server } = await openPlaces(t);
  const authority = createAuthority();
  const [issued, selfSigned] = [authority.issue(["localhost"]), createSelfSigned("localhost")];
  const caFile = join(reader.folder, "ca.pem");
  writeFileSync(caFile, authority.certificate);
  const known = await openFront(t, server.url, issued);
  const strange = await openFront(t, server.url, selfSigned);
  const plain = await openFront(t, server.url, null);
  const token = { SESSION_BUDDY_FROM_TOKEN: await tokenOf({}) };
  const ask = (url: string, env: Readonly<Record<string, string>>) =>
    reader.run(["list", "--json"], { env: { SESSION_BUDDY_FROM: url, ...token, ...env } });

  const good: readonly (readonly [url: string, env: Readonly<Record<string, string>>])[] = [
    [known.url, { SESSION_BUDDY_FROM_CA_FILE: caFile }],
    [known.url, { SESSION_BUDDY_FROM_PIN: issued.pin }],
    [strange.url, { SESSION_BUDDY_FROM_PIN: selfSigned.pin }],
    [plain.url, {}],
  ];
  for (const [url, env] of good) {
    const outcome = await ask(url, env);
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""], url);
    assert.equal(JSON.parse(outcome.stdout).length, 2);
  }
  const before = known.asked.length + strange.asked.length + plain.asked.length;
  const bad: readonly (readonly [url: string, env: Readonly<Record<string, string>>, words: RegExp])[] = [
    [known.url, {}, /; set from_pin or from_ca_file; --personal asks your own record$/m],
    [strange.url, {}, /; set from_pin or from_ca_file; /],
    [strange.url, { SESSION_BUDDY_FROM_CA_FILE: caFile }, /; set from_pin or from_ca_file; /],
    [known.url, { SESSION_BUDDY_FROM_PIN: selfSigned.pin }, /; where its key was replaced, set from_pin anew; /],
    [
      known.url.replace("localhost", "127.0.0.1"),
      { SESSION_BUDDY_FROM_CA_FILE: caFile },
      /use the name of the certificate/,
    ],
    [plain.url.replace("http", "https"), {}, /it does not speak TLS/],
    [known.url.replace("https", "http"), {}, /does not answer: /],
    ["http://192.0.2.1:8678", {}, /is not encrypted; use https/],
    ["https://127.0.0.1:1", {}, /nothing listens there; start its server, or correct the address; /],
    ["https://no-such-name.invalid", {}, /; (?:correct the address|try again when names can be looked up); /],
  ];
  for (const [url, env, words] of bad) {
    const status = url.startsWith("http://192") ? 2 : 5;
    assertRefused(await ask(url, env), status, words);
  }
  assert.equal(known.asked.length + strange.asked.length + plain.asked.length, before);
});

const json = (status: number, body: unknown) => (response: ServerResponse) => {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};
const ok = { status: "ok", error: null, as_of: "2026-02-06T12:34:56Z" };

const answers: readonly (readonly [answer: (response: ServerResponse) => void, words: RegExp, status?: number])[] = [
  [json(404, { error: "Not found; MCP is at /mcp" }), /unexpected form|is of an earlier version/],
  [
    json(404, { status: "error", error: "There is no such question" }),
    /is of an earlier version, which does not know this; update/,
  ],
  [
    json(400, { status: "error", error: "tty: Unexpected argument" }),
    /is of an earlier version, which does not know this: tty: /,
  ],
  [
    json(400, { status: "error", error: "limit: Input should be less" }),
    /^session-buddy: limit: Input should be less$/m,
    3,
  ],
  [
    json(200, { ...ok, sessions: [{ session_id: 5 }], next_cursor: null }),
    /the record at \S+: .* at answer\.sessions\[0\]\.\w+; update/,
  ],
  [json(404, "<html>not here</html>"), /is not JSON; the address must be the one of a session-buddy server/],
  [json(200, "<html>hello</html>"), /is not JSON; the address must be/],
  [json(502, "<html>502</html>"), /cannot answer now: it gave no reason \(status 502\); its log says more; --personal/],
  [json(503, { status: "error", error: "storage\u001b[2J" }), /cannot answer now: storage\\x1b\[2J; its log says more/],
  [
    json(429, { status: "error", error: "Too many calls; try again in 3 s" }),
    /refuses: Too many calls; try again in 3 s$/m,
  ],
  [
    json(403, { status: "error", error: "This server is for user id 5 alone" }),
    /refuses: This server is for user id 5 alone$/m,
    4,
  ],
  [
    (response) => {
      response.writeHead(301, { Location: "https://elsewhere.example/\u00a0" });
      response.end("moved");
    },
    /sends to https:\/\/elsewhere\.example\/.*; if you trust that, ask it there/,
  ],
  [(response) => response.destroy(), /the connection was cut|does not answer/],
];

test("whatever answers there, one sentence says what it is and what to do", async (t) => {
  const reader = createSandbox(t);
  const front = await openFront(t, null, null);
  const env = { SESSION_BUDDY_FROM: front.url, SESSION_BUDDY_FROM_TOKEN: "a.b.c" };
  for (const [answer, words, status = 5] of answers) {
    front.answerWith(answer);
    assertRefused(await reader.run(["list", "--json"], { env }), status, words);
  }
  front.answerWith(null);
  assertRefused(await reader.run(["who"], { env }), 5, /status 502/);
});
