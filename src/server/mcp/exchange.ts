/** Owns MCP without sessions: one long-lived server, and each request an exchange of its own with it. */
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  ErrorCode,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type MessageExtraInfo,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";

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
  server.onerror = () => transport.refuse();
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
  /** The request that the server is being given at this moment. */
  #given: number | null = null;

  async start(): Promise<void> {}

  async close(): Promise<void> {
    this.onclose?.();
  }

  exchange({ id: theirs, method, params }: JSONRPCRequest, authInfo: AuthInfo): Promise<JSONRPCMessage> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, { id: theirs, resolve });
      this.#given = id;
      // The SDK takes no further keys.
      this.onmessage?.({ jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) }, { authInfo });
      this.#given = null;
    });
  }

  /** The SDK would not answer a request that it cannot read, such as one whose `_meta` is not an object. */
  refuse(): void {
    if (this.#given === null) return;
    void this.send({ jsonrpc: "2.0", id: this.#given, error: invalidParams });
  }

  /** What is not an answer, such as a notification, reaches nobody. */
  async send(message: JSONRPCMessage): Promise<void> {
    if ("method" in message) {
      if ("id" in message) throw new Error("a client without a session cannot be asked");
      return;
    }
    const waiting = this.#waiting.get(Number(message.id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(message.id));
    waiting.resolve({ ...message, ...(isSchemaIssue(message) ? { error: invalidParams } : {}), id: waiting.id });
  }
}

const invalidParams = { code: ErrorCode.InvalidParams, message: "Invalid params" };

/** What the schema of a method refuses, the SDK calls an error of its own, in the words of its schema library. */
function isSchemaIssue(message: JSONRPCMessage): boolean {
  return "error" in message && message.error.code === ErrorCode.InternalError && message.error.message.startsWith("[");
}
