/** State files as a shell's hook writes them, one entry after another, where it writes them. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createProcProcesses } from "../../../src/host/proc.ts";
import type { Sandbox } from "../sandbox.ts";

/** @returns a whole record: closed by the entry `.`, preceded by the empty entry that closes a torn one. */
export function recordBytes(name: string, fields: Readonly<Record<string, string | Buffer>>): Buffer {
  const entries = Object.entries(fields).map(([key, value]) => Buffer.concat([Buffer.from(`${key}=`), bytesOf(value)]));
  return Buffer.concat([Buffer.from(""), Buffer.from(name), ...entries, Buffer.from(".")].map(terminated));
}

function bytesOf(value: string | Buffer): Buffer {
  return typeof value === "string" ? Buffer.from(value) : value;
}

function terminated(entry: Buffer): Buffer {
  return Buffer.concat([entry, Buffer.from([0])]);
}

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export interface Left {
  readonly folder: string;
  /** Writes a state file as a hook would, for a process that is there. */
  file(child: ChildProcess, records: readonly Buffer[], suffix?: string): string;
}

/** The folder in which shells leave their files. */
export function leftBehind({ home }: Sandbox): Left {
  const folder = join(home, "shells");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    folder,
    file(child, records, suffix = "") {
      const pid = child.pid ?? 0;
      const path = join(folder, `${bootId}.${pid}.${createProcProcesses().stat(pid)?.startTicks}${suffix}`);
      writeFileSync(path, Buffer.concat(records), { mode: 0o600 });
      return path;
    },
  };
}
