/** Owns what happens to a connection on which something came that is no request: what was asked before it is answered. */
import type { Socket } from "node:net";
import type { Connections, Exchange } from "./connections.ts";
import { sendUnreadable } from "./respond.ts";

/** @returns what is to be done with a connection whose bytes cannot be read any further */
export function createRefusal(connections: Connections): (error: Error, socket: Socket) => void {
  // Whatever follows cannot be read either, and would be refused again.
  const refused = new WeakSet<Socket>();
  return (error, socket) => {
    if (refused.has(socket)) return;
    refused.add(socket);
    void refuse(error, socket, connections);
  };
}

async function refuse(error: Error, socket: Socket, connections: Connections): Promise<void> {
  const asked = connections.underWay(socket);
  const whole = asked.filter(({ request }) => request.complete);
  if (!whole.some(isEndless)) await Promise.all(whole.map(answered));
  // Behind a part of an answer, another would be taken for its rest.
  const isBetweenAnswers = connections.underWay(socket).every(({ response }) => !response.headersSent);
  if (socket.writable && isBetweenAnswers) sendUnreadable(socket, error);
  else socket.destroy(error);
}

function answered({ response }: Exchange): Promise<void> {
  return new Promise((resolve) => response.once("close", resolve));
}

/** @returns whether it is a stream of a session, which ends with the session */
export function isEndless({ request, response }: Exchange): boolean {
  return request.method === "GET" && response.headersSent;
}
