/** Proves that the command line of the MCP Inspector works over HTTP and over stdio, and finds the schemas portable. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired } from "../support/server/client-exchange.ts";
import { type Inspector, inspector, resultOf } from "../support/server/inspector.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { transportKinds } from "../support/server/transports.ts";

function plain(inspect: Inspector): AnyClient {
  return {
    async toolNames() {
      const { tools } = resultOf(await inspect("tools/list"));
      return (tools as { name: string }[]).map(({ name }) => name);
    },
    async call(tool, args) {
      const given = ["--tool-name", tool, "--tool-args-json", JSON.stringify(args)];
      return resultOf(await inspect("tools/call", ...given)).structuredContent;
    },
  };
}

for (const kind of transportKinds) {
  test(`over ${kind}, the Inspector lists the tools, tracks a session, and reads it as a resource`, async (t) => {
    const sandbox = createSandbox(t);
    const inspect = await inspector(sandbox, kind);
    await assertExchange(plain(inspect), sandbox);
    const { resourceTemplates } = resultOf(await inspect("resources/templates/list"));
    assert.deepEqual(
      (resourceTemplates as { uriTemplate: string }[]).map(({ uriTemplate }) => uriTemplate),
      ["session://{id}"],
    );
    const uri = "session://mahavishnu-20260206-123456";
    const { contents } = resultOf(await inspect("resources/read", "--uri", uri));
    const [content] = contents as { uri: string; mimeType: string; text: string }[];
    assert.deepEqual([content?.uri, content?.mimeType], [uri, "application/json"]);
    assert.equal(JSON.parse(String(content?.text)).session.state, "ended");
  });

  test(`over ${kind}, the Inspector is content with the schemas in its strict mode`, async (t) => {
    const inspect = await inspector(createSandbox(t), kind);
    const { status, stderr } = await inspect("tools/list", "--strict", "--quiet");
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

test("the Inspector sends a token as an argument, and with a resource in _meta", async (t) => {
  const sandbox = createSandbox(t);
  const inspect = await inspector(sandbox, "HTTP", { SESSION_BUDDY_SECRET: secret });
  await assertTokenRequired(plain(inspect));
  const token = await tokenMakers.jose(claims());
  await assertExchange(plain(inspect), sandbox, { token });
  const read = ["--uri", "session://mahavishnu-20260206-123456"];
  const refused = await inspect("resources/read", ...read);
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /Token required/);
  const { contents } = resultOf(await inspect("resources/read", ...read, "--metadata", `token=${token}`));
  assert.equal(JSON.parse((contents as { text: string }[])[0]?.text ?? "").session.state, "ended");
});
