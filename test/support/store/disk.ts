/** A disk of its own for one test: a real file system of a few hundred KiB that can be filled and made read-only. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { launcher, type Outcome, runToEnd, type Sandbox } from "../sandbox.ts";

export interface SmallDisk {
  /** Where it is mounted; seen only by what is run through it. */
  readonly folder: string;
  /** A command line that runs the one after it where the disk is seen. */
  readonly under: readonly string[];
  /** Runs `session-buddy`, with its folder on the disk unless `env` says otherwise. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** Starts `session-buddy serve --stdio` behind the official client, its folder on the disk. */
  stdioClient(): Promise<Client>;
  /** Runs a line of shell in which `$DISK` is the folder. */
  shell(line: string): Promise<Outcome>;
  /** Leaves about this many bytes free, 0 for none. */
  fill(bytesLeft: number): Promise<void>;
  free(): Promise<void>;
  setReadOnly(isReadOnly: boolean): Promise<void>;
}

const blockBytes = 4096;

/** Mounts a disk in a mount namespace of its own, which needs no privileges where users may make namespaces. */
export async function createSmallDisk(t: TestContext, sandbox: Sandbox, sizeKiB = 512): Promise<SmallDisk> {
  const folder = join(sandbox.folder, "disk");
  mkdirSync(folder);
  const mount = `mount -t tmpfs -o size=${sizeKiB}k,mode=700 none "$1" && echo mounted && exec cat`;
  const holder = spawn("unshare", ["-rm", "sh", "-c", mount, "sh", folder], { env: { PATH: sandbox.env.PATH } });
  t.after(() => holder.kill("SIGKILL"));
  await mounted(holder);

  const env = { ...sandbox.env, SESSION_BUDDY_HOME: join(folder, "sb") };
  const inside = ["-t", String(holder.pid), "-U", "-m", "--preserve-credentials"];
  const shell = (line: string) =>
    runToEnd("nsenter", [...inside, "sh", "-c", line], { env: { ...env, DISK: folder }, cwd: "/" });
  const must = async (line: string) => {
    const { status, stderr } = await shell(line);
    if (status !== 0) throw new Error(`${line}: ${stderr}`);
  };
  return {
    folder,
    under: ["nsenter", ...inside],
    shell,
    run: (args, extra = {}) => runToEnd("nsenter", [...inside, launcher, ...args], { env: { ...env, ...extra } }),
    async stdioClient() {
      const args = [...inside, launcher, "serve", "--stdio"];
      const client = new Client({ name: "test", version: "1" });
      await client.connect(new StdioClientTransport({ command: "nsenter", args, env, stderr: "ignore" }) as Transport);
      t.after(() => client.close());
      return client;
    },
    async fill(bytesLeft) {
      await must(`cat /dev/zero > "$DISK/filler" 2>/dev/null; true`);
      const blocks = Math.ceil(bytesLeft / blockBytes);
      if (blocks > 0) await must(`truncate -s -${blocks * blockBytes} "$DISK/filler"`);
    },
    free: () => must(`rm "$DISK/filler"`),
    setReadOnly: (isReadOnly) => must(`mount -o remount,${isReadOnly ? "ro" : "rw"} "$DISK"`),
  };
}

function mounted(holder: ChildProcess): Promise<void> {
  let words = "";
  holder.stderr?.on("data", (chunk: Buffer) => {
    words += chunk;
  });
  return new Promise((resolve, reject) => {
    holder.on("error", reject);
    holder.on("exit", () => reject(new Error(`no disk could be mounted: ${words}`)));
    holder.stdout?.once("data", () => resolve());
  });
}
