/** The measure of what a server can answer: a bare `node:http` server that sends back the JSON it got. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stderr.write(`url=http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
});
