/** Proves that a session can be read as a resource, what is answered when there is none, and that a secret guards it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { createSandbox } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { question } from "../support/server/questions.ts";
import { connect, transportKinds } from "../support/server/transports.ts";

async function read(client: Client, uri: string, _meta: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const { contents, ...others } = await client.readResource({ uri, _meta });
  assert.deepEqual(others, {});
  const [content] = contents as { text: string }[];
  assert.deepEqual(contents, [{ uri, mimeType: "application/json", text: content?.text }]);
  const { as_of, ...data } = JSON.parse(String(content?.text));
  assert.match(as_of, /Z$/);
  return data;
}

for (const kind of transportKinds) {
  test(`over ${kind}, there is one template, and no list that has no end`, async (t) => {
    const { client } = await connect(t, createSandbox(t), kind);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.deepEqual(
      resourceTemplates.map(({ uriTemplate, name, mimeType }) => ({ uriTemplate, name, mimeType })),
      [{ uriTemplate: "session://{id}", name: "session", mimeType: "application/json" }],
    );
    assert.match(String(resourceTemplates[0]?.description), /_meta/);
    assert.deepEqual((await client.listResources()).resources, []);
  });

  test(`over ${kind}, a session is read as get_session answers it, its id escaped or not`, async (t) => {
    const { client, start } = await connect(t, createSandbox(t), kind);
    const { session_id: id } = await start();
    const { session, events } = await question(client, "get_session", { session_id: id });
    for (const uri of [`session://${id}`, `session://${String(id).replaceAll("-", "%2D")}`]) {
      assert.deepEqual(await read(client, uri), { session, events });
    }
  });

  test(`over ${kind}, what is no session on record is not found, in the protocol's own error`, async (t) => {
    const { client, start } = await connect(t, createSandbox(t), kind);
    const { session_id: id } = await start();
    const uris = [
      "session://nothing",
      "session://",
      "session://%",
      `session://${"x".repeat(1000)}`,
      `session:${id}`,
      `file:///${id}`,
      `SESSION//${id}`,
      `session://${id}/`,
      "",
    ];
    for (const uri of uris) {
      await assert.rejects(client.readResource({ uri }), { code: -32002, data: { uri } }, uri);
    }
    await read(client, `session://${id}`);
  });

  test(`over ${kind}, with a secret a read needs a token in its _meta, and says no more than that`, async (t) => {
    const { client, start } = await connect(t, createSandbox(t), kind, { env: { SESSION_BUDDY_SECRET: secret } });
    const token = await tokenMakers.jose(claims());
    const { session_id: id } = await start({ token });
    const refusals = [
      [{}, "Token required (SESSION_BUDDY_SECRET is set)"],
      [{ token: "" }, "Token required (SESSION_BUDDY_SECRET is set)"],
      [{ token: await tokenMakers.jose(claims({ exp: 1 })) }, "Token has expired"],
      [{ token: "garbage" }, "Invalid token"],
      [{ token: [token] }, "Invalid token"],
      [{ Token: token }, "Token required (SESSION_BUDDY_SECRET is set)"],
    ] as const;
    for (const uri of [`session://${id}`, "session://nothing", "file:///etc/passwd"]) {
      for (const [meta, words] of refusals) {
        const message = `MCP error -32602: ❌ Authentication failed: ${words}`;
        await assert.rejects(client.readResource({ uri, _meta: meta }), { code: -32602, message });
      }
    }
    const data = (await read(client, `session://${id}`, { token })) as { session: { session_id: string } };
    assert.equal(data.session.session_id, id);
    await assert.rejects(client.readResource({ uri: "session://nothing", _meta: { token } }), { code: -32002 });
  });
}
