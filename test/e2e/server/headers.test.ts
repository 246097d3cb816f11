/** Proves what is asked of a request's headers, that it is asked on every path, and the form of every refusal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { startArguments } from "../../support/events.ts";
import { createSandbox, root } from "../../support/sandbox.ts";
import { head, openSession, rpc, sendBytes } from "../../support/server/door.ts";
import { ask, type HttpQuestion, toolCall } from "../../support/server/raw-http.ts";

type Headers = NonNullable<HttpQuestion["headers"]>;

const body = rpc(1, "ping");

test("each header of a call has its rule, with and without a session", async (t) => {
  const { url } = await createSandbox(t).serve();
  const served: readonly Headers[] = [
    ...["application/json", "application/json; charset=utf-8", "Application/JSON;a=b; c=d", "application/json ;x"].map(
      (type) => ({ "Content-Type": type }),
    ),
    ...SUPPORTED_PROTOCOL_VERSIONS.map((version) => ({ "MCP-Protocol-Version": version })),
    { "Content-Encoding": "Identity" },
  ];
  const refused: readonly (readonly [status: number, headers: Headers, words: RegExp])[] = [
    ...["text/plain", "application/jsonl", "application/json-rpc", "application/x-www-form-urlencoded", "", "*/*"].map(
      (type) => [415, { "Content-Type": type }, /^Content-Type must be application\/json$/] as const,
    ),
    [415, { "Content-Type": ["application/json", "text/plain"] }, /^Content-Type must be/],
    ...["gzip", "br", "identity, gzip", ""].map(
      (encoding) => [415, { "Content-Encoding": encoding }, /^Content-Encoding is not supported/] as const,
    ),
    ...["text/event-stream", "text/html", "application/jsonl", "text/application/json", "application", ""].map(
      (type) => [406, { Accept: type }, /^Accept must allow application\/json$/] as const,
    ),
    ...["2024-01-01", "1", "", `${SUPPORTED_PROTOCOL_VERSIONS[0]} `.repeat(2)].map(
      (version) =>
        [400, { "MCP-Protocol-Version": version }, /^MCP-Protocol-Version is not supported; use one of/] as const,
    ),
  ];
  for (const session of [{}, await openSession(url)]) {
    for (const headers of served) {
      const answer = await ask(url, { headers: { ...session, ...headers }, body });
      assert.equal(answer.status, 200, JSON.stringify(headers));
    }
    for (const [status, headers, words] of refused) {
      const answer = await ask(url, { headers: { ...session, ...headers }, body });
      assert.equal(answer.status, status, JSON.stringify(headers));
      assert.match(JSON.parse(answer.body).error.message, words);
    }
  }
  for (const accept of ["*/*", "application/*", "APPLICATION/json;q=0.5", "text/html, application/json", "a/b,*/*"]) {
    assert.equal((await ask(url, { headers: { Accept: accept }, body })).status, 200, accept);
  }
});

test("a foreign name is forbidden on every path, and in a session that is open", async (t) => {
  const { url } = await createSandbox(t).serve();
  const session = await openSession(url);
  const questions: readonly (readonly [path: string, method: string, headers: Headers])[] = [
    ["/metrics", "GET", {}],
    ["/healthz", "GET", {}],
    ["/mcp?session=true", "POST", {}],
    ["/mcp", "POST", session],
    ["/mcp", "GET", { ...session, Accept: "text/event-stream" }],
    ["/mcp", "DELETE", session],
  ];
  const foreign: readonly Headers[] = [
    { Host: "evil.example" },
    { Origin: "http://evil.example" },
    { Origin: ["http://localhost", "http://evil.example"] },
  ];
  for (const [path, method, headers] of questions) {
    for (const name of foreign) {
      const answer = await ask(new URL(path, url).href, {
        method,
        headers: { ...headers, ...name },
        body: method === "POST" ? body : "",
      });
      assert.equal(answer.status, 403, `${method} ${path} ${JSON.stringify(name)}`);
      assert.match(JSON.parse(answer.body).error.message, /^Host or Origin is not allowed$/);
    }
  }
  const { host } = new URL(url);
  const twice = await sendBytes(
    url,
    `GET /health HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
  );
  assert.match(twice, /^HTTP\/1\.1 40[03] /);
  // Whoever was forbidden to end it has not ended it.
  assert.equal((await ask(url, { headers: session, body })).status, 200);
});

test("what is no HTTP is answered in JSON too, and takes no answer before it away", async (t) => {
  const { url } = await createSandbox(t).serve();
  const { host } = new URL(url);
  const cases: readonly (readonly [bytes: string, status: number, error: string])[] = [
    ["nonsense\r\n\r\n", 400, "Bad Request"],
    [
      `GET /health HTTP/1.1\r\nHost: ${host}\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "Request Header Fields Too Large",
    ],
    [`POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Length: five\r\n\r\n`, 400, "Bad Request"],
  ];
  for (const [bytes, status, error] of cases) {
    const answer = await sendBytes(url, bytes);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assert.match(answer, /\r\nContent-Type: application\/json\r\n/);
    assert.deepEqual(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))), { error });
  }
  const behind = await sendBytes(url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\nnonsense\r\n\r\n`);
  assert.match(behind, /^HTTP\/1\.1 200 OK\r\n.*\{"status":"ok"\}/s);
});

test("a good call is answered before what comes behind it on its connection and cannot be read", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const calls = [1, 2].map((id) => toolCall(id, "track_session_start", startArguments()));
  const sent = calls.map((call) => {
    const length = `Content-Length: ${Buffer.byteLength(call)}`;
    return head(url, length).replace("Connection: close\r\n", "") + call;
  });
  for (const garbage of ["nonsense\r\n\r\n", `${"x".repeat(200_000)}`, head(url, "Content-Length: five"), "\0\u0001"]) {
    const heard = await sendBytes(url, sent.join("") + garbage);
    const statuses = [...heard.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
    assert.deepEqual(statuses, ["200", "200", "400"], heard);
    assert.equal(heard.match(/"structuredContent":\{"session_id":"[^"]+","status":"tracked"/g)?.length, 2);
  }
  // What is wrong in the call itself is nothing to wait for.
  const chunked = `${head(url, "Transfer-Encoding: chunked")}zz\r\n`;
  assert.match(await sendBytes(url, sent[0] + chunked), /^HTTP\/1\.1 200 .*HTTP\/1\.1 400 /s);
});

test("a target in absolute form is served like its path, where its name and that of the header are allowed", async (t) => {
  const { url } = await createSandbox(t).serve();
  const { host } = new URL(url);
  const call = rpc(1, "ping");
  const post = (target: string, hostHeader: string) =>
    sendBytes(
      url,
      `POST ${target} HTTP/1.1\r\nHost: ${hostHeader}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${call.length}\r\n\r\n${call}`,
    );
  for (const target of [url, `HTTP://${host}/mcp`, "http://localhost/mcp?x=1", `https://${host}/mcp`]) {
    assert.match(await post(target, "localhost"), /^HTTP\/1\.1 200 .*"result":\{\}/s, target);
    assert.match(await post(target, "evil.example"), /^HTTP\/1\.1 403 /, target);
  }
  for (const target of ["http://evil.example/mcp", `http://127.0.0.1.evil.example/mcp`, "http:///mcp"]) {
    assert.match(await post(target, host), /^HTTP\/1\.1 403 /, target);
  }
  assert.match(await post(`http://${host}`, host), /^HTTP\/1\.1 404 /);
  const health = await sendBytes(
    url,
    `GET http://${host}/healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  );
  assert.match(health, /^HTTP\/1\.1 200 .*\{"status":"ok"\}/s);
});

test("more than 16 KiB of headers are refused, and less are served", async (t) => {
  const { url } = await createSandbox(t).serve();
  const withFiller = (bytes: number) => ask(url, { headers: { "X-Filler": "x".repeat(bytes) }, body });
  assert.equal((await withFiller(15 * 1024)).status, 200);
  assert.equal((await withFiller(16 * 1024)).status, 431);
});

test("no path and no method sends a client elsewhere, fails, or tells of the machine", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const session = await openSession(url);
  const paths = [
    ...["/", "/mcp", "/mcp/", "//mcp", "/mcp?session=true", "/mcp?session=true&session=false", "/mcp?%", "/mcp#a"],
    ...["/health", "/healthz/", "/metrics", "/metrics?x", "/metrics/", "/.well-known/oauth-protected-resource"],
    ...[
      "/authorize",
      "/register",
      "/..%2f..%2fetc/passwd",
      "/%",
      "/\\",
      "/favicon.ico",
      "*",
      "http://evil.example/mcp",
    ],
  ];
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];
  const { host } = new URL(url);
  for (const extra of ["", "Mcp-Session-Id: unknown\r\n", `Mcp-Session-Id: ${session["Mcp-Session-Id"]}\r\n`]) {
    for (const path of paths) {
      for (const method of methods) {
        if (extra.includes(session["Mcp-Session-Id"]) && /^(GET|DELETE)$/.test(method)) continue;
        const lines = `Host: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n${extra}\r\n`;
        const answer = await sendBytes(url, `${method} ${path} HTTP/1.1\r\n${lines}`);
        const name = `${method} ${path} ${extra}: ${answer}`;
        const [, status = "", text = ""] = /^HTTP\/1\.1 (\d+) .*?\r\n\r\n(.*)$/s.exec(answer) ?? [];
        assert.match(status, /^(?:200|4\d\d)$/, name);
        assert.ok(!/^location:/im.test(answer), name);
        for (const told of [root, sandbox.folder, "node_modules", "dist/", ".ts:", "    at "]) {
          assert.ok(!text.includes(told), name);
        }
        if (status === "405") assert.match(answer, /^allow: [A-Z]/im, name);
        if (status !== "200" && text !== "") assert.ok(JSON.parse(text).error, name);
      }
    }
  }
});
