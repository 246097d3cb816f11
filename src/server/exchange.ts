/** Owns MCP without sessions: one long-lived server, and each request an exchange of its own with it. For `server/` alone. */
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, JSONRPCRequest, MessageExtraInfo, RequestId } from "@modelcontextprotocol/sdk/types.js";

/** Answers one request of a client. */
export type Exchange = (request: JSONRPCRequest, caller: AuthInfo) => Promise<JSONRPCMessage>;

/**
 * Connects a server that serves every client at once. Clients choose their request ids, and different ones choose the
 * same; inside, each request has an id of ours, so that no answer and no cancellation reaches another's request
 * (CVE-2026-25536).
 */
export async function openExchange(server: Server): Promise<Exchange> {
  const transport = new ExchangeTransport();
  // The SDK's interface and its implementations disagree about undefined under exactOptionalPropertyTypes.
  await server.connect(transport as Transport);
  return (request, caller) => transport.exchange(request, caller);
}

interface Waiting {
  readonly id: RequestId;
  readonly resolve: (answer: JSONRPCMessage) => void;
}

/** A transport whose clients are there for one answer only. */
class ExchangeTransport {
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  onclose?: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  async start(): Promise<void> {}

  async close(): Promise<void> {
    this.onclose?.();
  }

  exchange(request: JSONRPCRequest, authInfo: AuthInfo): Promise<JSONRPCMessage> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, { id: request.id, resolve });
      this.onmessage?.({ ...request, id }, { authInfo });
    });
  }

  /** What is no answer, as a notification, has nobody who could hear it. */
  async send(message: JSONRPCMessage): Promise<void> {
    if ("method" in message) {
      if ("id" in message) throw new Error("a client without a session cannot be asked");
      return;
    }
    const waiting = this.#waiting.get(Number(message.id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(message.id));
    waiting.resolve({ ...message, id: waiting.id });
  }
}
