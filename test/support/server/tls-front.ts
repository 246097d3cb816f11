/** A front with TLS before a server, as a proxy is, with what a proxy says while there is nothing behind it. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { Certificate } from "../certificates.ts";

export interface Front {
  /** For example `https://localhost:41234`. */
  readonly url: string;
  /** Requests that came, whatever became of them. */
  readonly asked: readonly IncomingMessage[];
  /** What answers from now on; the server behind it by default. */
  answerWith(answer: ((response: ServerResponse, url: string) => void) | null): void;
}

/**
 * Listens until the test is done.
 *
 * @param behind - any URL of the server behind it; null for none
 * @param certificate - null for plain HTTP
 */
export async function openFront(
  t: TestContext,
  behind: string | null,
  certificate: Pick<Certificate, "certificate" | "key"> | null,
): Promise<Front> {
  const asked: IncomingMessage[] = [];
  let answer: Parameters<Front["answerWith"]>[0] = null;
  const handle = (incoming: IncomingMessage, response: ServerResponse) => {
    asked.push(incoming);
    if (answer !== null) return answer(response, incoming.url ?? "");
    pass(incoming, response, behind ?? "http://127.0.0.1:1");
  };
  const server =
    certificate === null
      ? createServer(handle)
      : createSecureServer({ cert: certificate.certificate, key: certificate.key }, handle);
  // Whoever does not believe the certificate hangs up.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === null ? "http" : "https"}://localhost:${port}`,
    asked,
    answerWith(next) {
      answer = next;
    },
  };
}

function pass(incoming: IncomingMessage, response: ServerResponse, behind: string): void {
  const { hostname, port } = new URL(behind);
  const { method, url: path, headers } = incoming;
  const forwarded = request({ hostname, port, method, path, headers, agent: false }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
    answered.once("error", () => response.destroy());
    answered.once("close", () => answered.complete || response.destroy());
  });
  response.once("close", () => forwarded.destroy());
  forwarded.once("error", () => {
    if (response.headersSent) return void response.destroy();
    response.writeHead(502, { "Content-Type": "text/html" });
    response.end("<html><h1>502 Bad Gateway</h1></html>");
  });
  incoming.pipe(forwarded);
}
