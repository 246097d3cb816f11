/** What fast-check makes up for the HTTP entrance: requests that are whole, whatever they hold, and bytes that are none. */
import { METHODS } from "node:http";
import fc from "fast-check";
import { startArguments } from "../support/events.ts";
import { toolCall } from "../support/server/raw-http.ts";
import type { WireRequest } from "../support/server/wire.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");
/** A tunnel is asked for with CONNECT: what follows on the connection is no HTTP. */
const method = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT") },
  fc.constantFrom(...METHODS.filter((name) => name !== "CONNECT")),
);

const path = fc.constantFrom(
  "/mcp",
  "/health",
  "/healthz",
  "/metrics",
  "/",
  "*",
  "/mcp/",
  "/mcp/../health",
  "//mcp",
  "http://evil.example/mcp",
);
const target = fc.oneof(
  { weight: 4, arbitrary: path },
  fc.tuple(path, fc.stringMatching(/^\?[!-~]{0,30}$/)).map((parts) => parts.join("")),
  fc.stringMatching(/^\/[!-~]{0,40}$/),
  fc.constantFrom("/mcp?session=true", "/mcp?session", "/mcp??", "/mcp#x", "/%00", "/%"),
);

const knownHeader = fc.constantFrom(
  "Accept: */*",
  "Accept: text/html",
  "Accept: application/json, text/event-stream",
  "Content-Type: application/json",
  "Content-Type: application/json; charset=utf-16",
  "Content-Type: text/plain",
  "Content-Encoding: gzip",
  "Origin: null",
  "Origin: http://localhost:1",
  "Origin: http://evil.example",
  "Mcp-Session-Id: x",
  "Mcp-Session-Id: __proto__",
  "Mcp-Protocol-Version: 2025-11-25",
  "Mcp-Protocol-Version: 1",
  "Last-Event-ID: 5",
  "Authorization: Bearer x",
  "Authorization: Basic eDp5",
  "Connection: keep-alive",
  "Upgrade: websocket",
  "Upgrade: h2c",
  "X-Forwarded-For: 10.0.0.1",
  "Cookie: a=b",
  "Range: bytes=0-5",
  "If-None-Match: *",
);
const madeUpHeader = fc
  .tuple(fc.stringMatching(/^x[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,12}$/), fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,40}$/))
  .map(([name, value]) => `${name}: ${value}`);
const header = fc.oneof({ weight: 3, arbitrary: knownHeader }, madeUpHeader);
const host = fc.oneof(
  { weight: 6, arbitrary: fc.constant("127.0.0.1") },
  fc.constantFrom("localhost:80", "[::1]", "evil.example", "", "[", "a b", "127.0.0.1@evil.example", "\u00ff"),
);

const goodCall = toolCall(1, "track_session_start", startArguments());
const body = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc
    .constantFrom(goodCall, "{", "[]", "null", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":1,"method":"ping"}')
    .map(latin1),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 1 }).map((text) => Buffer.from(text)),
);

const framing = fc.constantFrom("length", "chunks", "chunks with extensions and trailers");

/** Requests as they go over the wire; their framing is right, so that exactly one answer follows each. */
export const wholeRequest: fc.Arbitrary<WireRequest> = fc
  .record({ method, target, host, headers: fc.array(header, { maxLength: 4 }), body, framing })
  .map((parts) => {
    const head = [`${parts.method} ${parts.target} HTTP/1.1`, `Host: ${parts.host}`, ...parts.headers];
    return { method: parts.method, bytes: framed(head, parts.body, parts.framing) };
  });

function framed(head: readonly string[], content: Buffer, kind: string): Buffer {
  if (kind === "length") {
    return Buffer.concat([latin1(`${[...head, `Content-Length: ${content.length}`].join("\r\n")}\r\n\r\n`), content]);
  }
  const isRich = kind !== "chunks";
  const half = content.length >> 1;
  const chunks = [content.subarray(0, half), content.subarray(half)].filter((chunk) => chunk.length > 0);
  return Buffer.concat([
    latin1(`${[...head, "Transfer-Encoding: chunked"].join("\r\n")}\r\n\r\n`),
    ...chunks.flatMap((chunk) => [
      latin1(`${chunk.length.toString(16)}${isRich ? ";a=b" : ""}\r\n`),
      chunk,
      latin1("\r\n"),
    ]),
    latin1(isRich ? "0;last\r\nX-Trailer: 1\r\n\r\n" : "0\r\n\r\n"),
  ]);
}

/** What others' servers fell for: two lengths, doubtful line ends, other protocols, sizes that are none. */
const start = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
const nasty = fc
  .constantFrom(
    `${start}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n`,
    `${start}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}`,
    `${start}Content-Length: -1\r\n\r\n`,
    `${start}Content-Length: 1e3\r\n\r\n{}`,
    `${start}Content-Length: 99999999999999999999\r\n\r\n{}`,
    `${start}Content-Length: 100\r\n\r\n{}`,
    `${start}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    `${start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    `${start}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}`,
    `${start}Transfer-Encoding: chunked\r\n\r\n-1\r\n{}`,
    `${start}Transfer-Encoding: chunked\r\n\r\n2\r\n{}x`,
    `${start}Transfer-Encoding: chunked\r\n\r\n2;${"x".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
    `${start}X-Large: ${"x".repeat(20_000)}\r\n\r\n`,
    `${start}${"X: 1\r\n".repeat(3_000)}\r\n`,
    `${start}Content-Length: ${300_000}\r\n\r\n${" ".repeat(300_000)}`,
    `${start}Content-Length: 25002\r\n\r\n[${"0,".repeat(12_500)}0]`,
    `${start}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
    `${start}Expect: a miracle\r\nContent-Length: 2\r\n\r\n{}`,
    `${start}X\u0000Y: 1\r\n\r\n`,
    `${start}X: a\u0000b\r\n\r\n`,
    `${start} folded: 1\r\n\r\n`,
    `${start}Name : 1\r\n\r\n`,
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET / HTTP/0.9\r\n\r\n",
    "GET /health\r\n\r\n",
    "GET /health HTTP/1.0\r\n\r\n",
    "GET /health HTTP/1.1\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /health HTTP/1.1\nHost: 127.0.0.1\n\n",
    `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`,
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
    "\r\n\r\n\r\n",
    "",
  )
  .map(latin1);

interface Edit {
  readonly at: number;
  readonly drop: number;
  readonly insert: Uint8Array;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(400),
  drop: fc.nat(4),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom("\r\n", "\r", "\n", " ", ":", "\0", "chunked", "Content-Length: 5\r\n", "\r\n\r\n").map(latin1),
  ),
});

/** The answer to a HEAD has no body, which nobody could know who reads the answers to broken bytes. */
const toBreak = wholeRequest.filter(({ method: name }) => name !== "HEAD");
const edited = fc.tuple(toBreak, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([{ bytes }, edits]) =>
  edits.reduce((before, { at, drop, insert }) => {
    const from = at % (before.length + 1);
    return Buffer.concat([before.subarray(0, from), insert, before.subarray(from + drop)]);
  }, bytes),
);
const cut = fc.tuple(toBreak, fc.nat(400)).map(([{ bytes }, at]) => bytes.subarray(0, at % bytes.length));

/** Any bytes: the last that are sent on a connection, because nobody knows how many requests they are. */
export const brokenBytes: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 5, arbitrary: edited },
  { weight: 2, arbitrary: cut },
  { weight: 1, arbitrary: nasty },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
);
