/** Proves that a wrong command line is refused in words with its exit status, and that every command explains itself. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";

/** Everything that can be asked for help. */
const commands = [
  [],
  ["start"],
  ["end"],
  ["list"],
  ["show"],
  ["why"],
  ["current"],
  ["stats"],
  ["timeline"],
  ["watch"],
  ["reconcile"],
  ["rebuild"],
  ["prune"],
  ["backup"],
  ["restore"],
  ["serve"],
  ["token"],
  ["token", "create"],
  ["token", "verify"],
  ["token", "inspect"],
  ["token", "secret"],
  ["token", "keys"],
  ["token", "keys", "create"],
  ["token", "keys", "list"],
  ["token", "keys", "rotate"],
  ["token", "keys", "drop"],
  ["token", "keys", "export"],
  ["config"],
  ["config", "get"],
  ["config", "set"],
  ["config", "unset"],
  ["config", "list"],
  ["config", "path"],
  ["hook"],
  ["hook", "install"],
  ["hook", "status"],
  ["hook", "uninstall"],
  ["completion"],
];

test("--help of every command exits with 0 and has an example", async (t) => {
  const sandbox = createSandbox(t);
  for (const command of commands) {
    const { status, stdout, stderr } = await sandbox.run([...command, "--help"]);
    assert.deepEqual([status, stderr], [0, ""], command.join(" "));
    assert.match(stdout, new RegExp(`^Usage: ${["session-buddy", ...command].join(" ")}\\b`));
    assert.match(stdout, /\nExamples?:\n {2}\$ .*session-buddy /, command.join(" "));
  }
  assert.equal(existsSync(sandbox.home), false, "asking for help leaves nothing behind");
});

test("the help of the program names every command", async (t) => {
  const { stdout } = await createSandbox(t).run(["--help"]);
  for (const name of new Set(commands.flatMap(([first]) => first ?? []))) {
    assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
  }
});

test("--version prints the version alone", async (t) => {
  const { status, stdout } = await createSandbox(t).run(["--version"]);
  assert.equal(status, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

/** What is refused, with which exit status and words. */
const refusals: readonly (readonly [args: readonly string[], status: number, words: RegExp])[] = [
  [[], 2, /^Usage: session-buddy/],
  [["nonsense"], 2, /unknown command 'nonsense'/],
  [["lst"], 2, /Did you mean one of last, list\?/],
  [["--nonsense"], 2, /unknown option '--nonsense'/],
  [["start", "--nonsense"], 2, /unknown option '--nonsense'/],
  [["start", "extra"], 2, /too many arguments/],
  [["start", "--component"], 2, /argument missing/],
  [["start", "--pid", "x"], 2, /It must be a whole number/],
  [["start", "--pid", "1.5"], 2, /It must be a whole number/],
  [["start", "--pid", ""], 2, /It must be a whole number/],
  [["start", "--metadata", "novalue"], 2, /It must have the form key=value/],
  [["start", "--metadata", "=value"], 2, /It must have the form key=value/],
  [["start", "--json=yes"], 2, /--json/],
  [["end"], 2, /either a session id or --state-file/],
  [["end", "id", "--state-file", "file"], 2, /either a session id or --state-file/],
  [["end", "id", "extra"], 2, /too many arguments/],
  [["end", "id", "--exit-code", "zero"], 2, /It must be a whole number/],
  [["list", "extra"], 2, /too many arguments/],
  [["list", "--limit", "0"], 2, /It must be a whole number, 1 or more/],
  [["list", "--state", "open"], 2, /Allowed choices are active, orphaned, replaced, ended/],
  [["list", "--format", "xml"], 2, /Allowed choices are table, json, ndjson, csv/],
  [["list", "--json", "--format", "csv"], 2, /cannot be used with/],
  [["list", "--tree", "--json"], 2, /cannot be used with/],
  [["list", "--tree", "--format", "csv"], 2, /cannot be used with/],
  [["list", "--at", "1h", "--since", "2h"], 2, /cannot be used with/],
  [["watch", "--from", "-1"], 2, /It must be a whole number, 0 or more/],
  [["prune"], 2, /required option '--older-than <age>' not specified/],
  [["prune", "--older-than", "400"], 2, /'400' is not a length of time; write 400d/],
  [["backup"], 2, /missing required argument 'file'/],
  [["restore"], 2, /missing required argument 'file'/],
  [["stats", "--by", "shell"], 2, /Allowed choices are user, host, component, state, day/],
  [["show"], 2, /missing required argument 'session-id'/],
  [["serve", "--stdio", "--port", "1"], 2, /cannot be used with/],
  [["serve", "--client", "emacs"], 2, /Allowed choices are claude-code, claude-desktop, cursor, vscode, codex\./],
  [["serve", "--unit", "machine"], 2, /Allowed choices are user, system\./],
  [["serve", "--unit", "user", "--stdio"], 2, /cannot be used with/],
  [["serve", "--client", "codex", "--unit", "user"], 2, /cannot be used with/],
  [["serve", "--client", "codex", "--port", "0"], 2, /port 0 is any free port, .*; choose one with --port/],
  [["serve", "--client", "codex", "--host", "a b"], 2, /host: 'a b' is not an address/],
  [["serve", "--port", "65536"], 2, /port: a port is a whole number from 0 to 65535/],
  [["serve", "--host", ""], 2, /host: an address is needed/],
  [["token", "nonsense"], 2, /too many arguments/],
  [["token", "create", "extra"], 2, /too many arguments/],
  [["token", "create", "--claim", "novalue"], 2, /It must have the form key=value/],
  [["token", "verify", "a.b.c"], 2, /a token must not be an argument.*standard input.*--file/],
  [["token", "inspect", "a.b.c"], 2, /a token must not be an argument.*standard input.*--file/],
  [["token", "verify", "-", "--file", "f"], 2, /use either - \(standard input\) or --file/],
  [["token", "keys"], 2, /^Usage: session-buddy token keys/],
  [["token", "keys", "list"], 2, /no keys file is named; use --file or set SESSION_BUDDY_KEYS_FILE/],
  [["token", "keys", "create", "--algorithm", "RS256"], 2, /Allowed choices are EdDSA, ES256/],
  [["token", "keys", "drop", "--file", "f"], 2, /missing required argument 'kid'/],
  [["config"], 2, /^Usage: session-buddy config/],
  [["config", "nonsense"], 2, /unknown command 'nonsense'/],
  [["config", "get"], 2, /missing required argument 'name'/],
  [["config", "set", "port"], 2, /missing required argument 'value'/],
  [["start", "--component", "a b"], 3, /Invalid component_name 'a b': must match pattern/],
  [["start", "--component", ""], 3, /Invalid component_name ''/],
  [["start", "--component", "a".repeat(101)], 3, /component_name: String should have at most 100 characters/],
  [["start", "--shell-type", "a".repeat(101)], 3, /shell_type: String should have at most 100 characters/],
  [["start", "--pid", "0"], 3, /pid: Input should be greater than or equal to 1/],
  [["start", "--pid", "-1"], 3, /pid: Input should be greater than or equal to 1/],
  [["start", "--pid", "4194305"], 3, /pid: Input should be less than or equal to 4194304/],
  [["start", "--metadata", `a=${"x".repeat(16_384)}`], 3, /metadata: Object should have at most 16384 bytes/],
];

for (const [args, status, words] of refusals) {
  const shown = args.map((arg) => (arg.length > 30 ? `${arg.slice(0, 9)}…` : arg)).join(" ");
  test(`'session-buddy ${shown}' is refused with exit status ${status}`, async (t) => {
    const sandbox = createSandbox(t);
    const outcome = await sandbox.run(args);
    assert.equal(outcome.status, status, outcome.stderr);
    assert.equal(outcome.stdout, "");
    assert.match(outcome.stderr, words);
    assert.doesNotMatch(outcome.stderr, /\n {4}at |internal error/);
    assert.deepEqual(JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout), []);
  });
}
