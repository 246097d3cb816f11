/** Proves that what cannot be seen is shown wherever a person, a log or an agent reads it, and that data stays exact. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startArguments } from "../support/events.ts";
import { createSandbox } from "../support/sandbox.ts";
import { answerOf } from "../support/server/door.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";

/** A zero-width space, a soft hyphen, Hangul fillers, and "hi" in tags. */
const hidden = "a\u200bb\u00adc\u3164\uffa0d\u{e0068}\u{e0069}e";
const seen = /a\\u200bb\\xadc\\u3164\\uffa0d\\u\{e0068\}\\u\{e0069\}e/;
const seenInJson = /a\\u200bb\\u00adc\\u3164\\uffa0d\\udb40\\udc68\\udb40\\udc69e/;
const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

test("names with what cannot be seen are shown as escapes, by every command, in the log and to agents", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  const args = startArguments({
    user: { username: hidden, home: "/" },
    hostname: hidden,
    environment: { python_version: "", platform: "", cwd: `/${hidden}` },
    shell_type: hidden,
  });
  const started = answerOf(await ask(server.url, { body: toolCall(1, "track_session_start", args) }));
  const id = String(started.result?.structuredContent?.session_id);
  for (const command of [
    ["list"],
    ["list", "--format", "csv"],
    ["show", id],
    ["why", id],
    ["stats", "--by", "user"],
    ["timeline"],
  ]) {
    const { stdout, stderr, status } = await sandbox.run(command);
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stdout, unseen, command.join(" "));
    if (command[0] === "list" || command[0] === "show") assert.match(stdout, seen, command.join(" "));
  }
  for (const command of [
    ["list", "--json"],
    ["show", id, "--json"],
    ["list", "--format", "ndjson"],
  ]) {
    const { stdout } = await sandbox.run(command);
    assert.match(stdout, seenInJson, command.join(" "));
    assert.doesNotMatch(stdout, unseen);
    assert.ok(JSON.stringify(JSON.parse(stdout)).includes(hidden));
  }
  assert.match(server.log(), seen);
  assert.doesNotMatch(server.log(), unseen);
  const calls = [toolCall(1, "list_active_sessions", {}), toolCall(1, "get_session", { session_id: id })];
  for (const body of calls) {
    const result = answerOf(await ask(server.url, { body })).result as unknown as {
      readonly content: readonly { readonly text: string }[];
      readonly structuredContent: object;
    };
    const text = String(result.content[0]?.text);
    assert.match(text, seenInJson);
    assert.doesNotMatch(text, unseen);
    assert.deepEqual(JSON.parse(text), result.structuredContent);
    assert.ok(JSON.stringify(result.structuredContent).includes(hidden));
  }
});
