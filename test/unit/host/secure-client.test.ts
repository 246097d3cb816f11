/** Proves to whom a request is sent, and that no answer is waited for or read without end. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createSecureClient } from "../../../src/host/secure-client.ts";
import type { SecureTarget } from "../../../src/host/secure-target.ts";
import { type Certificate, createAuthority, createSelfSigned } from "../../support/certificates.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const echo: RequestListener = async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  response.end(`${request.method} ${request.url} ${request.headers.host} ${Buffer.concat(chunks)}`);
};

interface Served {
  readonly port: number;
  /** How many requests reached the program behind the connection. */
  requests(): number;
}

async function listening(t: TestContext, server: Server, count: () => number): Promise<Served> {
  const open = new Set<Socket>();
  server.on("connection", (socket) => open.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests: count };
}

function serve(t: TestContext, certificate: Certificate | null, answer: RequestListener = echo): Promise<Served> {
  let requests = 0;
  const counted: RequestListener = (request, response) => {
    requests += 1;
    answer(request, response);
  };
  const server =
    certificate === null
      ? createHttpServer(counted)
      : createHttpsServer({ cert: certificate.certificate, key: certificate.key }, counted);
  return listening(t, server, () => requests);
}

function clientFor(t: TestContext, target: Partial<SecureTarget> & { readonly url: string }) {
  const client = createSecureClient({ pin: null, caFile: null, ...target });
  t.after(() => client.close());
  return client;
}

function fileOf(t: TestContext, text: string): string {
  const path = join(temporaryFolder(t), "authority.pem");
  writeFileSync(path, text);
  return path;
}

test("a server is known by its pinned key, whoever signed for it, and by none but one of the pins", async (t) => {
  const own = createSelfSigned("elsewhere");
  const other = createSelfSigned("elsewhere");
  const served = await serve(t, own);
  const url = `https://127.0.0.1:${served.port}`;
  const answer = await clientFor(t, { url, pin: `${other.pin};${own.pin}` }).send({
    path: "/v1/x?y=1",
    method: "POST",
    body: "ä",
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString(), `POST /v1/x?y=1 127.0.0.1:${served.port} ä`);
  const wrong = clientFor(t, { url, pin: other.pin });
  await assert.rejects(wrong.send({ path: "/" }), { code: "network", message: /not the pinned one; nothing was sent/ });
  await assert.rejects(clientFor(t, { url }).send({ path: "/" }), { code: "network", message: /signed by itself/ });
  assert.equal(served.requests(), 1);
});

test("an authority from a file vouches for its own servers, under their names, as long as they are good", async (t) => {
  const [authority, stranger] = [createAuthority(), createAuthority("Another")];
  const caFile = fileOf(t, authority.certificate);
  const good = authority.issue(["127.0.0.1", "localhost"]);
  const served = await serve(t, good);
  const ask = (target: Partial<SecureTarget>, port = served.port) =>
    clientFor(t, { url: `https://127.0.0.1:${port}`, ...target }).send({ path: "/" });
  assert.equal((await ask({ caFile })).status, 200);
  assert.equal((await ask({ caFile, url: `https://localhost:${served.port}` })).status, 200);
  assert.equal((await ask({ caFile, pin: good.pin })).status, 200);
  await assert.rejects(ask({ caFile: fileOf(t, stranger.certificate) }), { code: "network" });
  await assert.rejects(ask({ caFile: fileOf(t, stranger.certificate), pin: good.pin }), { code: "network" });
  await assert.rejects(ask({ caFile, pin: stranger.pin }), /not the pinned one/);
  await assert.rejects(ask({}), { code: "network" });
  assert.equal(served.requests(), 3);
  const misnamed = await serve(t, authority.issue(["central.example"]));
  await assert.rejects(ask({ caFile }, misnamed.port), /for another name/);
  const old = await serve(t, authority.issue(["127.0.0.1"], { expiresAt: new Date(Date.now() - 1_000) }));
  await assert.rejects(ask({ caFile }, old.port), /has expired/);
  assert.equal(misnamed.requests() + old.requests(), 0);
  assert.throws(
    () => clientFor(t, { url: "https://127.0.0.1", caFile: fileOf(t, "nothing") }),
    /no certificate in PEM/,
  );
});

test("what is not encrypted goes to this machine alone", async (t) => {
  const served = await serve(t, null);
  const answer = await clientFor(t, { url: `http://127.0.0.1:${served.port}/below/` }).send({ path: "/v1/x" });
  assert.equal(answer.body.toString(), `GET /below/v1/x 127.0.0.1:${served.port} `);
  const refused = ["http://central.example", "http://10.0.0.1:8678", "http://127.0.0.1.example", "http://[::2]:1"];
  for (const url of refused)
    assert.throws(() => clientFor(t, { url }), { code: "usage", message: /not encrypted/ }, url);
  const unfit = ["", "central", "ftp://x", "unix:/run/x", "https://user@x", "https://x?token=1", "https://x#y"];
  for (const url of unfit) assert.throws(() => clientFor(t, { url }), { code: "usage" }, url);
  const pins = ["", "sha256//", "sha1//AAAA", `sha256//${"A".repeat(43)}=;`, `SHA256//${"A".repeat(43)}=`];
  for (const pin of pins) assert.throws(() => clientFor(t, { url: "https://x", pin }), { code: "usage" }, pin);
  await assert.rejects(clientFor(t, { url: `https://127.0.0.1:${served.port}` }).send({ path: "/" }), {
    message: /does not speak TLS/,
  });
});

test("an answer is waited for so long, and read so far, and a redirect is an answer", async (t) => {
  const silent = await serve(t, null, () => {});
  const url = `http://127.0.0.1:${silent.port}`;
  await assert.rejects(clientFor(t, { url, silenceMs: 50 }).send({ path: "/" }), /nothing came for 0.05 s/);
  await assert.rejects(clientFor(t, { url }).send({ path: "/", deadlineMs: 50 }), /longer than 0.05 s/);
  const stop = new AbortController();
  const given = clientFor(t, { url }).send({ path: "/", signal: stop.signal });
  stop.abort();
  await assert.rejects(given, /given up/);
  const dripping = await serve(t, null, (_, response) => {
    response.write("x");
    const timer = setInterval(() => response.write("x"), 10);
    response.on("close", () => clearInterval(timer));
  });
  const slow = `http://127.0.0.1:${dripping.port}`;
  await assert.rejects(clientFor(t, { url: slow }).send({ path: "/", deadlineMs: 100 }), /longer than 0.1 s/);
  await assert.rejects(clientFor(t, { url: slow, largestAnswerBytes: 3 }).send({ path: "/" }), /larger than 3 bytes/);
  const moved = await serve(t, null, (_, response) => response.writeHead(302, { Location: slow }).end());
  assert.equal((await clientFor(t, { url: `http://127.0.0.1:${moved.port}` }).send({ path: "/" })).status, 302);
  const mute = await listening(t, (await import("node:net")).createServer(), () => 0);
  const hanging = clientFor(t, {
    url: `https://127.0.0.1:${mute.port}`,
    pin: createSelfSigned("x").pin,
    connectMs: 50,
  });
  await assert.rejects(hanging.send({ path: "/" }), /no connection within 0.05 s/);
  await assert.rejects(clientFor(t, { url: "http://127.0.0.1:1" }).send({ path: "/" }), /nothing listens there/);
});

test("a stream is handed out as it comes, and ends with its signal", async (t) => {
  const own = createSelfSigned("x");
  const served = await serve(t, own, (_, response) => void response.write("one"));
  const stop = new AbortController();
  const client = clientFor(t, { url: `https://127.0.0.1:${served.port}`, pin: own.pin });
  const response = await client.stream({ path: "/v1/live", signal: stop.signal });
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of response) {
      seen.push(String(chunk));
      stop.abort();
    }
  });
  assert.deepEqual(seen, ["one"]);
});
