/** Proves that every command in the README works as it stands there. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { createSandbox, launcher, root, runToEnd } from "../support/sandbox.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
const setUp = "npm ci && bin/session-buddy start && bin/session-buddy list\n";
const testRun = "npm ci && npm test\n";
const serving = "session-buddy serve\n";

test("the first command sets up a clean checkout with an empty home and shows a session", async (t) => {
  assert.equal(blocks[0], setUp);
  const { folder, env } = createSandbox(t);
  const checkout = join(folder, "checkout");
  copyCheckout(checkout);
  // As a new user has it: nothing but a home and the machine's own programs.
  const { SESSION_BUDDY_HOME: _, ...plain } = env;
  const path = (process.env.PATH ?? "").split(":").filter((entry) => !entry.includes("node_modules"));
  // Typed into a shell; `bash -c` would become its last command, and the session's shell would be gone.
  const options = { cwd: checkout, env: { ...plain, PATH: path.join(":") }, input: setUp };
  const outcome = await runToEnd("bash", ["-s"], options);
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stdout, /^(shell-\d{8}-\d{6})\nSESSION +STATE .*\n\1 +active /m);
});

test("the test command is the one that runs before anything lands", () => {
  assert.ok(blocks.includes(testRun));
  const ci = readFileSync(join(root, ".ci/run"), "utf8").split("\n");
  for (const command of testRun.trim().split(" && ")) assert.ok(ci.includes(command), `.ci/run runs ${command}`);
});

test("the server starts with the command of the README, at the address that it names", async (t) => {
  assert.ok(blocks.includes(serving));
  const { env } = createSandbox(t);
  const server = runToEnd("timeout", ["--signal=TERM", "--preserve-status", "5", launcher, "serve"], { env });
  assert.match(readme, /http:\/\/127\.0\.0\.1:8678\/mcp/);
  await answers("http://127.0.0.1:8678/health");
  const outcome = await server;
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stderr, /url=http:\/\/127\.0\.0\.1:8678\/mcp/);
});

test("every other command of the README works as it stands", async (t) => {
  const others = blocks.filter((block) => ![setUp, testRun, serving].includes(block));
  assert.ok(others.length >= 4);
  const { folder, env, home } = createSandbox(t);
  mkdirSync(home, { mode: 0o700 });
  for (const block of others) {
    const options = { cwd: root, env: { ...env, PATH: `${join(root, "bin")}:${env.PATH}`, SHELL: "/bin/bash" } };
    const outcome = await runToEnd("bash", ["-euo", "pipefail", "-c", block], options);
    assert.equal(outcome.status, 0, `${block}\n${outcome.stdout}\n${outcome.stderr}\nin ${folder}`);
  }
});

function copyCheckout(to: string): void {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root });
  for (const file of listed.toString("utf8").split("\0").filter(Boolean)) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
}

async function answers(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
