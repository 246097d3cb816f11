/** Owns listening on a Unix socket: one that a server left behind is removed, and everybody of this machine may connect. */
import { once } from "node:events";
import { chmodSync } from "node:fs";
import type { Server } from "node:http";
import { removeLeftSocket } from "../../app/left-socket.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";

/** Whoever connects still has to log in. */
const everybody = 0o666;

/** @throws SessionBuddyError `network` when something else is at the path, or it cannot be listened on */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    await removeLeftSocket(path);
    server.listen(path);
    await once(server, "listening");
    chmodSync(path, everybody);
  } catch (error) {
    if (error instanceof SessionBuddyError) throw error;
    throw new SessionBuddyError("network", `cannot listen on the socket ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
