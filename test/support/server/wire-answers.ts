/** A strict reader of HTTP answers: anything that is not one is an error of the test (RFC 9112). */
import assert from "node:assert/strict";

export interface WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface Found {
  readonly answer: WireAnswer;
  /** How many bytes it had, interim answers before it among them. */
  readonly length: number;
}

const headEnd = Buffer.from("\r\n\r\n");
const lineEnd = Buffer.from("\r\n");
const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]+$/;
const headerLine = /^([A-Za-z-]+): ([ -~]*)$/;

/** @returns null when the bytes do not hold a whole answer yet */
export function readAnswer(bytes: Buffer, method: string): Found | null {
  const end = bytes.indexOf(headEnd);
  if (end === -1) return null;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(statusLine.exec(first)?.[1]);
  assert.ok(status >= 100, `no status line: ${JSON.stringify(first)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = headerLine.exec(line) ?? [];
    assert.notEqual(name, "", `no header: ${JSON.stringify(line)}`);
    assert.ok(!headers.has(name.toLowerCase()), `two headers ${name}`);
    headers.set(name.toLowerCase(), value);
  }
  const from = end + headEnd.length;
  if (status < 200) {
    const final = readAnswer(bytes.subarray(from), method);
    return final === null ? null : { ...final, length: final.length + from };
  }
  const body = readBody(bytes, from, headers, method === "HEAD" || status === 204 || status === 304);
  return body && { answer: { status, headers, body: body.text }, length: body.end };
}

function readBody(bytes: Buffer, from: number, headers: ReadonlyMap<string, string>, isEmpty: boolean) {
  if (isEmpty) return { text: "", end: from };
  if (headers.get("transfer-encoding") === "chunked") return readChunks(bytes, from);
  const length = Number(headers.get("content-length") ?? 0);
  if (bytes.length < from + length) return null;
  return { text: bytes.toString("utf8", from, from + length), end: from + length };
}

function readChunks(bytes: Buffer, from: number): { text: string; end: number } | null {
  const chunks: Buffer[] = [];
  for (let at = from; ; ) {
    const end = bytes.indexOf(lineEnd, at);
    if (end === -1) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
    assert.ok(size >= 0, "no chunk size");
    const next = end + 2 + size + 2;
    if (bytes.length < next) return null;
    if (size === 0) return { text: Buffer.concat(chunks).toString("utf8"), end: next };
    chunks.push(bytes.subarray(end + 2, end + 2 + size));
    at = next;
  }
}
