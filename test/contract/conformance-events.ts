/** The events of one session's streams, kept so that a client that lost its stream can ask for the rest. */
import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

export function createEventStore(): EventStore {
  const events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  const streamOf = (id: string) => events.find((event) => event.id === id)?.stream;
  return {
    async storeEvent(stream, message) {
      const id = `${events.length + 1}`;
      events.push({ id, stream, message });
      return id;
    },
    getStreamIdForEventId: async (id) => streamOf(id),
    async replayEventsAfter(lastId, { send }) {
      const stream = streamOf(lastId) ?? "";
      const missed = events.slice(events.findIndex(({ id }) => id === lastId) + 1);
      for (const event of missed) {
        // The first event of a stream only gives it an id; it holds no message.
        if (event.stream === stream && "jsonrpc" in event.message) await send(event.id, event.message);
      }
      return stream;
    },
  };
}
