/** The HTTP entrance in the test's own process, for what takes minutes with the values of a real server. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import {
  createHttpEntrance,
  type HttpEntrance,
  type HttpLimits,
  type HttpOptions,
} from "../../../src/server/listener.ts";
import { createMcpServer } from "../../../src/server/mcp/server.ts";

export interface OpenEntrance {
  readonly url: string;
  readonly entrance: HttpEntrance;
  /** What went wrong inside. */
  readonly failures: readonly unknown[];
}

type Changes = Partial<Omit<HttpOptions, "limits">> & { readonly limits?: Partial<HttpLimits> };

const unlimited: HttpLimits = {
  connections: 0,
  connectionsPerAddress: 0,
  callsPerSecond: 0,
  refusalsPerMinute: 0,
  sessions: 100,
  sessionIdleMs: 60_000,
};

/** A server object that has no tools and no resources. */
export function createBareServer() {
  const read = async () => {
    throw new Error("nothing is read");
  };
  return createMcpServer({ tools: new Map(), resources: { templates: [], read }, version: "1" });
}

/** Listens on a free port until the test is done. */
export async function openEntrance(t: TestContext, { limits = {}, ...changes }: Changes = {}): Promise<OpenEntrance> {
  const failures: unknown[] = [];
  const entrance = await createHttpEntrance({
    createServer: createBareServer,
    version: "1",
    allowedHosts: null,
    authenticate: null,
    metrics: { contentType: "text/plain", text: async () => "" },
    areMetricsOpen: false,
    onFailure: (error) => failures.push(error),
    ...changes,
    limits: { ...unlimited, ...limits },
  });
  const { server } = entrance;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    await entrance.close();
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, entrance, failures };
}
