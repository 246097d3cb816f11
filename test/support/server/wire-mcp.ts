/** MCP requests as bytes for a {@link Wire}, of clients with and without a session. */
import assert from "node:assert/strict";
import { openWire, type Wire, type WireRequest } from "./wire.ts";
import type { WireAnswer } from "./wire-answers.ts";

export type Headers = Readonly<Record<string, string>>;

/** @param url - of the MCP path, with its query if any */
export function post(url: string, text: string, headers: Headers = {}): WireRequest {
  const body = Buffer.from(text);
  const { host, pathname, search } = new URL(url);
  const all = {
    Host: host,
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "Content-Length": String(body.length),
    ...headers,
  };
  const head = [`POST ${pathname}${search} HTTP/1.1`, ...Object.entries(all).map((pair) => pair.join(": "))];
  return { method: "POST", bytes: Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]) };
}

export const initialize = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
});

/** Opens a session. @returns the headers of its requests */
export async function openSession(url: string): Promise<Headers> {
  const wire = await openWire(url);
  const [answer] = await wire.ask([post(`${url}?session=true`, initialize)]);
  wire.drop();
  const id = answer?.headers.get("mcp-session-id") ?? "";
  assert.ok(id !== "", answer?.body ?? "no answer");
  return { "Mcp-Session-Id": id, "Mcp-Protocol-Version": "2025-11-25" };
}

/** The one message of an answer, be it JSON or a stream of events. */
export function messageOf({ body, headers }: WireAnswer): { id: unknown; result?: Result; error?: { code: number } } {
  if (headers.get("content-type") !== "text/event-stream") return JSON.parse(body);
  const events = [...body.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data as string));
  assert.equal(events.length, 1, body);
  return events[0];
}

interface Result {
  readonly structuredContent: Readonly<Record<string, unknown>>;
}

/** Sends each request on a connection of its own, all at the same time. */
export async function askApart(url: string, requests: readonly WireRequest[]): Promise<readonly WireAnswer[]> {
  const wires = await Promise.all(requests.map(() => openWire(url)));
  const answers = await Promise.all(requests.map((request, index) => (wires[index] as Wire).ask([request])));
  for (const wire of wires) wire.drop();
  return answers.flat();
}

/** Sends all requests at once on one connection. */
export async function askTogether(url: string, requests: readonly WireRequest[]): Promise<readonly WireAnswer[]> {
  const wire = await openWire(url);
  const answers = await wire.ask(requests);
  wire.drop();
  return answers;
}
