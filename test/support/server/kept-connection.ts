/** One HTTP connection that is kept open, as a client that works for hours has it, with calls one after the other. */
import { Agent, request } from "node:http";

export interface KeptConnection {
  /** Calls a tool. @throws when no whole answer comes, or one that is none of the tool's */
  call(url: string, tool: string, args: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** Asks for a path of the server. @throws when the answer is not 200 */
  get(url: string): Promise<string>;
  close(): void;
}

export function keepConnection(): KeptConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let calls = 0;
  return {
    async call(url, tool, args) {
      calls += 1;
      const body = JSON.stringify({
        jsonrpc: "2.0",
        id: calls,
        method: "tools/call",
        params: { name: tool, arguments: args },
      });
      const answer = JSON.parse(await exchange(agent, url, body));
      if (answer.id !== calls) throw new Error(`the answer to ${answer.id} came for call ${calls}`);
      if (answer.result?.structuredContent === undefined)
        throw new Error(`no answer of a tool: ${JSON.stringify(answer)}`);
      return answer.result.structuredContent;
    },
    get: (url) => exchange(agent, url, null),
    close: () => agent.destroy(),
  };
}

/** @param body - JSON to be posted; null asks */
function exchange(agent: Agent, url: string, body: string | null): Promise<string> {
  const headers = {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body ?? ""),
    Accept: "application/json, text/event-stream",
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: body === null ? "GET" : "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
    });
    asked.on("error", reject);
    asked.end(body ?? "");
  });
}
