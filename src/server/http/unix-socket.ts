/** Owns listening on a Unix socket: one that a server left behind is removed, and everybody of this machine may connect. */
import { once } from "node:events";
import { chmodSync, lstatSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { SessionBuddyError } from "../../tracker/errors.ts";

/** Whoever connects still has to log in. */
const everybody = 0o666;

/** @throws SessionBuddyError `network` when something else is at the path, or it cannot be listened on */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    await removeLeft(path);
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

async function removeLeft(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new SessionBuddyError("network", `${path} is there and is not a socket; move it away`);
  }
  if (await isAnswered(path)) {
    throw new SessionBuddyError("network", `another server answers at the socket ${path}; stop it first`);
  }
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
