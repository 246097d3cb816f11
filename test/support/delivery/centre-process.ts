/**
 * A centre as a process that can be killed: the real entrance for events over a real record, which knows one host by the
 * key in its token. Arguments: the file of the record, and the port.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createReceive } from "../../../src/app/receive.ts";
import type { HostCaller, HostRequest } from "../../../src/auth/host-caller.ts";
import { bodyHash } from "../../../src/auth/host-keys.ts";
import { createLog } from "../../../src/log.ts";
import { createEventsEntrance } from "../../../src/server/web/events.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";

if (process.argv[1] === import.meta.filename) {
  const [path = "", port = ""] = process.argv.slice(2);
  await serve(path, Number(port));
}

/** Starts one; it takes events when this resolves. */
export async function startCentre(path: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [import.meta.filename, path, String(port)], {
    env: process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Promise.race([
    once(child.stdout ?? child, "data"),
    once(child, "exit").then(([status]) => Promise.reject(new Error(`the centre ended with ${status}`))),
  ]);
  return child;
}

async function serve(path: string, port: number): Promise<void> {
  const store = await openSqliteStore({ path });
  const log = createLog({ toStandardError: true, file: null });
  const receive = createReceive({ store, log });
  const entrance = createEventsEntrance({ receive, gate, log, publicUrl: null, most: 1_000_000 });
  const server = createServer((request, response) => {
    void entrance.deliver(request, response, async () => null);
  });
  server.listen(port, "127.0.0.1", () => process.stdout.write("ready\n"));
}

/** The claims are held against the body; whether the signature is good is another test's. */
async function gate(token: unknown, { body }: HostRequest): Promise<HostCaller> {
  const claims = JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString("utf8"));
  if (claims.bh !== bodyHash(body)) throw Object.assign(new Error("another body"), { code: "unknown_host" });
  return { originId: claims.iss, name: "web-01", username: null };
}
