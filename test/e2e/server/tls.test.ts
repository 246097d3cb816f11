/** Proves that a server speaks TLS with the certificate that it is given, renews it while it runs, and keeps every other check. */
import assert from "node:assert/strict";
import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createRenewedTls, readTls, tlsFilesOf } from "../../../src/auth/tls-files.ts";
import { createSecureClient } from "../../../src/host/secure-client.ts";
import { pinOf } from "../../../src/host/secure-target.ts";
import { type Certificate, createSelfSigned } from "../../support/certificates.ts";
import { eventually } from "../../support/eventually.ts";
import { refusal } from "../../support/refusals.ts";
import { assertRefused } from "../../support/rows.ts";
import { createSandbox, type Sandbox } from "../../support/sandbox.ts";
import { toolCall } from "../../support/server/raw-http.ts";

interface Kept {
  readonly sandbox: Sandbox;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly env: Readonly<Record<string, string>>;
}

function keep(t: TestContext, certificate: Certificate): Kept {
  const sandbox = createSandbox(t);
  const [certificateFile, keyFile] = ["cert.pem", "key.pem"].map((name) => join(sandbox.folder, name));
  assert.ok(certificateFile !== undefined && keyFile !== undefined);
  put({ certificateFile, keyFile }, certificate);
  const env = { SESSION_BUDDY_TLS_CERTIFICATE_FILE: certificateFile, SESSION_BUDDY_TLS_KEY_FILE: keyFile };
  return { sandbox, certificateFile, keyFile, env };
}

/** As a program that renews certificates does: each file in one step, the key first. */
function put(files: Pick<Kept, "certificateFile" | "keyFile">, { certificate, key }: Certificate): void {
  for (const [path, text] of [
    [files.keyFile, key],
    [files.certificateFile, certificate],
  ] as const) {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

function clientFor(t: TestContext, url: string, pin: string) {
  const client = createSecureClient({ url: new URL(url).origin, pin, caFile: null });
  t.after(() => client.close());
  return client;
}

/** The pin of what is shown at this moment. */
function shownAt(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      resolve(pinOf(certificate?.publicKey.export({ type: "spki", format: "der" }) ?? Buffer.alloc(0)));
    });
    socket.once("error", reject);
  });
}

const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };

test("all that is served over HTTP is served over TLS, and the checks of Host, Origin and sizes hold there", async (t) => {
  const own = createSelfSigned("localhost");
  const { sandbox, env } = keep(t, own);
  const server = await sandbox.serve(env);
  assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+\/mcp$/);
  const client = clientFor(t, server.url, own.pin);
  const body = toolCall(1, "health_check", {});
  const answer = await client.send({ path: "/mcp", method: "POST", headers, body });
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.body.toString()).result.structuredContent.status, "ok");
  assert.equal((await client.send({ path: "/v1/sessions" })).status, 200);
  assert.equal((await client.send({ path: "/healthz" })).status, 200);
  assert.equal((await client.send({ path: "/healthz", headers: { Host: "evil.example" } })).status, 403);
  assert.equal((await client.send({ path: "/healthz", headers: { Origin: "https://evil.example" } })).status, 403);
  const large = await client.send({ path: "/mcp", method: "POST", headers, body: " ".repeat(300 * 1024) });
  assert.equal(large.status, 413);
  // Whoever speaks without TLS gets nothing, and keeps nobody out.
  const { hostname, port } = new URL(server.url);
  const plain = connectSocket(Number(port), hostname);
  plain.end("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  let heard = "";
  plain.on("data", (chunk) => {
    heard += chunk;
  });
  await new Promise((resolve) => plain.once("close", resolve));
  assert.doesNotMatch(heard, /HTTP\/1\.1 200/);
  assert.equal((await client.send({ path: "/healthz" })).status, 200);
  assert.equal((await server.stop()).status, 0);
});

test("those who never finish their handshake take nobody's place", async (t) => {
  const own = createSelfSigned("localhost");
  const { sandbox, env } = keep(t, own);
  const server = await sandbox.serve({ ...env, SESSION_BUDDY_MAX_CONNECTIONS: "4" });
  const client = clientFor(t, server.url, own.pin);
  assert.equal((await client.send({ path: "/healthz" })).status, 200);
  const { hostname, port } = new URL(server.url);
  let open = 0;
  const silent = Array.from({ length: 12 }, () => {
    const socket = connectSocket(Number(port), hostname, () => {
      open += 1;
    });
    t.after(() => socket.destroy());
    socket.once("close", () => {
      open -= 1;
    });
    return socket.on("error", () => {});
  });
  await eventually(() => assert.ok(silent.filter(({ destroyed }) => destroyed).length >= 8, "none had to go"));
  assert.ok(open <= 4);
  for (let count = 0; count < 3; count += 1) {
    const another = clientFor(t, server.url, own.pin);
    assert.equal((await another.send({ path: "/healthz" })).status, 200);
  }
  assert.equal((await client.send({ path: "/healthz" })).status, 200);
});

test("a certificate that was renewed is shown after SIGHUP; one that cannot be used is logged, and the old one stays", async (t) => {
  const [first, second] = [createSelfSigned("localhost"), createSelfSigned("localhost")];
  const { sandbox, env, certificateFile, keyFile } = keep(t, first);
  const logFile = join(sandbox.folder, "log");
  const server = await sandbox.serve({ ...env, SESSION_BUDDY_LOG_FILE: logFile });
  assert.equal(await shownAt(server.url), first.pin);
  put({ certificateFile, keyFile }, second);
  server.child.kill("SIGHUP");
  await eventually(async () => assert.equal(await shownAt(server.url), second.pin));
  assert.match(server.log(), /Certificate renewed: until=/);
  chmodSync(keyFile, 0o644);
  server.child.kill("SIGHUP");
  await eventually(() => assert.match(server.log(), /Certificate not renewed: .*is open to other users/));
  assert.equal(await shownAt(server.url), second.pin);
  assert.doesNotMatch(server.log(), /BEGIN/);
});

test("a certificate whose files have changed is read again without being asked", (t) => {
  const [first, second] = [createSelfSigned("localhost"), createSelfSigned("localhost")];
  const files = keep(t, first);
  const tls = createRenewedTls({ ...files, credentialsFolder: undefined });
  const shown: string[] = [];
  tls.onChange(({ pin }) => shown.push(pin));
  assert.equal(tls.refresh(false), false);
  // The key alone is of no use; what was read before stays, and is complained of once.
  writeFileSync(files.keyFile, second.key);
  assert.throws(() => tls.refresh(false), /the key is not that of the certificate/);
  assert.equal(tls.refresh(false), false);
  assert.equal(tls.current().pin, first.pin);
  writeFileSync(files.certificateFile, second.certificate);
  assert.equal(tls.refresh(false), true);
  assert.equal(tls.refresh(false), false);
  assert.deepEqual(shown, [second.pin]);
});

test("a server does not start with a certificate that cannot be used", async (t) => {
  const { sandbox, certificateFile, keyFile } = keep(t, createSelfSigned("localhost"));
  const serve = (...args: readonly string[]) => sandbox.run(["serve", "--port", "0", ...args]);
  assertRefused(await serve("--tls-certificate", certificateFile), 2, /TLS needs both a certificate and its key/);
  chmodSync(keyFile, 0o640);
  const both = await serve("--tls-certificate", certificateFile, "--tls-key", keyFile);
  assertRefused(both, 4, /the TLS key .* is open to other users; close it with: chmod 600/);
});

test("a client and a unit are told of a server that shows a certificate", async (t) => {
  const { sandbox, env, certificateFile, keyFile } = keep(t, createSelfSigned("localhost"));
  const told = await sandbox.run(["serve", "--client", "claude-code"], { env });
  assert.match(told.stdout, /https:\/\/127\.0\.0\.1:8678\/mcp/);
  const both = ["--tls-certificate", "cert.pem", "--tls-key", "key.pem"];
  const unit = await sandbox.run(["serve", "--unit", "user", ...both]);
  assert.ok(unit.stdout.includes(` serve --tls-certificate ${certificateFile} --tls-key ${keyFile}\n`), unit.stdout);
});

test("files that others could have changed, or that do not belong together, are no certificate", (t) => {
  const files = { ...keep(t, createSelfSigned("localhost")), credentialsFolder: undefined };
  const { certificateFile, keyFile } = files;
  chmodSync(certificateFile, 0o666);
  assert.throws(() => readTls(files), refusal("auth.secret", /the certificate .* is open to other users/));
  chmodSync(certificateFile, 0o644);
  assert.match(readTls(files).pin, /^sha256/);
  writeFileSync(keyFile, createSelfSigned("x").key);
  assert.throws(() => readTls(files), refusal("auth.secret", /the key is not that of the certificate/));
  writeFileSync(certificateFile, "nothing");
  assert.throws(() => readTls(files), refusal("auth.secret", /cannot be used/));
  const none = { tls_certificate_file: null, tls_key_file: null };
  assert.equal(tlsFilesOf(none, undefined), null);
  assert.throws(() => tlsFilesOf({ ...none, tls_key_file: keyFile }, undefined), refusal("usage", /needs both/));
});
