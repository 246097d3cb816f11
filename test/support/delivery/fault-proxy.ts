/** A proxy between a host and a centre that loses what the test tells it to lose. */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** What becomes of one request. `silent`: nothing is answered, and the connection stays. */
export type Fault = "none" | "request lost" | "answer lost" | "busy" | "silent";

export interface FaultProxy {
  readonly url: string;
  /** How often each was done. */
  readonly counts: Readonly<Record<Fault, number>>;
}

/** @param next - what becomes of the next request */
export async function createFaultProxy(t: TestContext, centrePort: number, next: () => Fault): Promise<FaultProxy> {
  const counts: Record<Fault, number> = { none: 0, "request lost": 0, "answer lost": 0, busy: 0, silent: 0 };
  const server = createServer((request, response) => {
    const fault = next();
    counts[fault] += 1;
    if (fault === "silent") return;
    if (fault === "request lost") return void request.socket.destroy();
    if (fault === "busy") return void response.writeHead(503).end();
    forward(request, response, centrePort, fault === "answer lost");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => closed(server));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts };
}

/** A port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await closed(server);
  return port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function forward(request: IncomingMessage, response: ServerResponse, port: number, isLost: boolean): void {
  const { method, url, headers } = request;
  const onward = httpRequest({ host: "127.0.0.1", port, path: url, method, headers, agent: false }, (answer) => {
    if (isLost) return void answer.resume().once("end", () => request.socket.destroy());
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.on("error", () => request.socket.destroy());
    answer.pipe(response);
  });
  // The centre was killed.
  onward.on("error", () => request.socket.destroy());
  request.pipe(onward);
}
