/** Proves that what --json prints keeps its keys and forms: every shape is compared with the snapshot beside this file. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { createSandbox, launcher, root, type Sandbox } from "../support/sandbox.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

const snapshotFile = join(import.meta.dirname, "json.snapshot.json");

const identity = {
  hostId: "11111111-1111-4111-8111-111111111111",
  bootId: "22222222-2222-4222-8222-222222222222",
  pidNamespace: "4026531836",
  pid: 12345,
  startTicks: "696451",
  executable: "/usr/bin/bash",
  exeId: "65024:1835291",
  comm: "bash",
};

/** One session of each state. Of another host than this one, which has its id from the test too. */
const stories: readonly Story[] = [
  {
    id: "ended",
    from: "2026-03-10T08:00:00Z",
    to: "2026-03-10T09:00:00.5Z",
    start: { metadata: { ticket: "4711" }, environmentExtra: { shell_version: "5.2" } },
    end: { exitCode: 129, reason: "hangup", signal: "HUP" },
  },
  {
    id: "lost",
    from: "2026-03-10T08:30:00Z",
    lost: ["2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z"],
    process: identity,
  },
  { id: "open", from: "2026-03-10T09:30:00Z", process: identity },
];

const secret = "a secret of the tests, of more than 32 bytes";
/** The public key of RFC 8037, appendix A.2, and that of RFC 7517, appendix A.1. */
const oldKeys = [
  { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "old" },
  {
    kty: "EC",
    crv: "P-256",
    x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
  },
];

const window = ["--since", "2026-03-10T00:00:00Z", "--until", "2026-03-10T12:00:00Z"];

/** Each command that answers with JSON from the record alone, and needs no clock. */
const commands: readonly (readonly string[])[] = [
  ["list", "--all", "--json"],
  ["list", "--all", "--format", "ndjson", "--limit", "1"],
  ["show", "ended", "--json"],
  ["show", "lost", "--json"],
  ["show", "open", "--json"],
  ["why", "ended", "--json"],
  ["why", "lost", "--json"],
  ["why", "open", "--json"],
  ...["user", "host", "component", "state", "day"].map((key) => ["stats", "--by", key, "--json"]),
  ["timeline", ...window, "--json"],
  ["timeline", "--by", "user", ...window, "--json"],
  ["reconcile", "--json"],
  ["rebuild", "--check", "--json"],
  ["prune", "--older-than", "9999999w", "--json"],
  ["prune", "--older-than", "9999999w", "--yes", "--json"],
  ["config", "list", "--json"],
];

/** Goes on until it is stopped; the stories are this many events. */
const stream = ["watch", "--format", "ndjson", "--from", "0"];
const eventsOfStories = 5;

/** Each that answers about this machine; of theirs the shape alone is compared. */
const machineCommands: readonly (readonly string[])[] = [
  ["start", "--json"],
  ["current", "--json"],
  ["end", "open", "--json"],
  ["backup", "copy.db", "--json"],
  ["restore", "copy.db", "--json"],
  ["doctor", "--json"],
  ["hook", "install", "bash", "--dry-run", "--json"],
  ["hook", "install", "bash", "--json"],
  ["hook", "status", "--json"],
  ["hook", "uninstall", "--json"],
  ["token", "create", "--json"],
  ["token", "keys", "create", "--file", "keys.json", "--json"],
  ["token", "keys", "rotate", "--file", "keys.json", "--json"],
  ["token", "keys", "list", "--file", "keys.json", "--json"],
  ["token", "keys", "drop", "old", "--file", "old-keys.json", "--json"],
  ["token", "keys", "export", "--file", "keys.json"],
];

/** Each that answers about a token, with its header and claims. */
const tokenCommands: readonly (readonly [args: readonly string[], header: object, claims: object])[] = [
  [["token", "inspect", "--json"], { alg: "none" }, { user_id: "les", iat: 1770381296, nbf: null, exp: 1770381386.5 }],
  [["token", "verify", "--json"], { alg: "none" }, {}],
];

test("every --json shape is the one of the snapshot; UPDATE_SNAPSHOTS=1 writes it anew", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, stories);
  writeFileSync(join(sandbox.home, "host-id"), "33333333-3333-4333-8333-333333333333\n", { mode: 0o600 });
  writeFileSync(join(sandbox.folder, "old-keys.json"), JSON.stringify({ keys: oldKeys }), { mode: 0o644 });
  const answers: Record<string, unknown> = {};
  for (const args of commands) answers[args.join(" ")] = await answerOf(sandbox, args);
  answers[stream.join(" ")] = await linesOf(sandbox, stream, eventsOfStories);
  for (const args of machineCommands) answers[args.join(" ")] = shapeOf(await answerOf(sandbox, args));
  for (const [args, header, claims] of tokenCommands) {
    const input = `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.`;
    answers[args.join(" ")] = await answerOf(sandbox, args, input);
  }
  answers["rebuild --json"] = shapeOf(await rebuilt(sandbox));
  if (process.env.UPDATE_SNAPSHOTS === "1") writeSnapshot(answers);
  assert.deepEqual(answers, JSON.parse(readFileSync(snapshotFile, "utf8")));
});

test("every time of every answer is RFC 3339 in UTC or null, and every length a whole number of milliseconds or null", () => {
  const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3,9})?Z$/;
  let seen = 0;
  for (const [key, value] of everyField(JSON.parse(readFileSync(snapshotFile, "utf8")))) {
    if (value === null || value === "string") continue;
    if (/(?:_at|_after|_before|^since|^until|^timestamp)$/.test(key)) {
      assert.match(String(value), rfc3339, key);
      seen += 1;
    }
    if (key.endsWith("_ms") && value !== "number") assert.ok(Number.isInteger(value), key);
  }
  assert.ok(seen > 30);
});

async function answerOf(sandbox: Sandbox, args: readonly string[], input = ""): Promise<unknown> {
  const { stdout, stderr } = await sandbox.run(args, { env: { SESSION_BUDDY_SECRET: secret }, input });
  assert.notEqual(stdout, "", `${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout);
}

async function linesOf(sandbox: Sandbox, args: readonly string[], count: number): Promise<unknown[]> {
  const child = spawn(launcher, args, { env: sandbox.env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const rows: unknown[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      rows.push(JSON.parse(line));
      if (rows.length === count) break;
    }
    return rows;
  } finally {
    child.kill("SIGKILL");
  }
}

/** What a rebuild says that finds a row which is not as its events say. */
async function rebuilt(sandbox: Sandbox): Promise<unknown> {
  const database = new DatabaseSync(join(sandbox.home, "sessions.db"));
  database.exec("UPDATE sessions SET cwd = '/wrong' WHERE session_id = 'lost'");
  database.close();
  return answerOf(sandbox, ["rebuild", "--json"]);
}

/** @returns the type of every value; of a list, that of its first */
function shapeOf(value: unknown): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, shapeOf(below)]));
}

function* everyField(value: unknown): Generator<readonly [key: string, value: unknown]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, below] of Object.entries(value)) {
    yield [key, below];
    yield* everyField(below);
  }
}

/** Written as the formatter wants it, so that the check of the sources passes. */
function writeSnapshot(answers: unknown): void {
  writeFileSync(snapshotFile, JSON.stringify(answers));
  execFileSync(join(root, "node_modules/.bin/biome"), ["format", "--write", snapshotFile], { stdio: "ignore" });
}
