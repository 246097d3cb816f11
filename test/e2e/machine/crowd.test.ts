/** Proves that no user of a machine can take its service for themselves, whatever they keep open at its socket. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { askSocket, createAskedMachine, type Machine } from "../../support/machine.ts";
import { createUser, type User } from "../../support/users.ts";

const connections = 1_000;

/** Keeps so many connections open, each in this way, and opens another one for each that is closed. */
const crowd = `
const [path, count, text] = process.argv.slice(1);
let open = 0;
const dial = () => {
  const socket = require("node:net").connect(path);
  socket.once("connect", () => {
    socket.write(text);
    open += 1;
    if (open === Number(count)) console.log("all");
  });
  socket.resume();
  socket.on("error", () => {});
  socket.once("close", () => setTimeout(dial, 10));
};
for (let at = 0; at < count; at += 1) dial();
`;

async function gather(t: TestContext, { socket }: Machine, user: User, text: string): Promise<ChildProcess> {
  const [program = "", ...args] = [...user.under, process.execPath, "-e", crowd, socket, String(connections), text];
  const child = spawn(program, args, { cwd: user.home, env: {}, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

async function tokenOf({ socket, spool }: Machine, user: User): Promise<string> {
  const [file, secret] = ["login.a-name-of-a-file-that-is-long-enough-for-it", "a secret"];
  const path = join(spool, file);
  await user.shell(`printf %s ${createHash("sha256").update(secret).digest("hex")} > '${path}'; chmod 440 '${path}'`);
  const { body } = await askSocket(socket, "/v1/login", { method: "POST", body: { file, secret } });
  assert.equal(typeof body.token, "string", JSON.stringify(body));
  return String(body.token);
}

const asking = (request: string, ...headers: readonly string[]) =>
  `${[`${request} HTTP/1.1`, "Host: localhost", ...headers].join("\r\n")}\r\n\r\n`;
const json = "Content-Type: application/json";

const crowds: readonly (readonly [string, (token: string) => string])[] = [
  ["ask for nothing", () => ""],
  ["have not sent the whole of a request", () => "GET /v1/sessions HTTP/1.1\r\n"],
  ["have not sent the whole of a login", () => asking("POST /v1/login", json, "Content-Length: 100")],
  ["have asked with a token", (token) => asking("GET /v1/sessions", `Authorization: Bearer ${token}`)],
  [
    "have shown a token and not sent the whole of a call",
    (token) => asking("POST /mcp", json, "Content-Length: 100", `Authorization: Bearer ${token}`),
  ],
];

for (const [name, textFor] of crowds) {
  test(`a thousand connections of one user that ${name} keep no other user from asking`, async (t) => {
    const machine = createAskedMachine(t);
    const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
    await machine.record([{ id: "ann-1", from: "2026-03-10T08:00:00Z", start: { username: ann.name } }]);
    await machine.serve();
    const crowding = await gather(t, machine, bob, textFor(await tokenOf(machine, bob)));
    for (const question of [["list", "--all"], ["who"]]) {
      const { status, stderr } = await machine.as(ann, question);
      assert.deepEqual([status, stderr], [0, ""]);
    }
    assert.equal(crowding.exitCode, null);
  });
}

test("calls are counted for the user who makes them, not for all who come by the socket", async (t) => {
  const machine = createAskedMachine(t);
  const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
  await machine.serve({ SESSION_BUDDY_MAX_CALLS_PER_SECOND: "5", SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: "1" });
  const token = await tokenOf(machine, bob);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => askSocket(machine.socket, "/v1/stats", { token })),
  );
  assert.ok(answers.some(({ status }) => status === 429));
  for (let at = 0; at < 5; at += 1) {
    assert.equal((await askSocket(machine.socket, "/v1/stats", { token: "wrong" })).status, 401);
  }
  const { status, stderr } = await machine.as(ann, ["list"]);
  assert.equal(status, 0, stderr);
});
