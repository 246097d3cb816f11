/** Owns whose the other end of a connection within this machine is, as the kernel's tables of connections say (proc_net(5)). */
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { endianness } from "node:os";

/** Both ends of a connection, as the socket of this program names them. */
export interface Ends {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** The tables of IPv4 and of IPv6; the second has IPv4 too, where a program came with a socket of IPv6. */
const tables = ["tcp", "tcp6"] as const;
const folder = "/proc/net";
const chunkBytes = 64 * 1024;

/** @returns whether this system has such tables, as Linux alone does */
export function hasConnectionTables(): boolean {
  return existsSync(`${folder}/${tables[0]}`);
}

/**
 * Looks up whose the other ends are, all in one look, which ends when all are found: the kernel takes milliseconds to go
 * through to the end of a table, however short.
 *
 * @returns for each a user id; null when no program is there any more, or it is in no line
 */
export async function ownersOf(all: readonly Ends[]): Promise<readonly (number | null)[]> {
  const keys = all.map(keyOf);
  const owners = new Map<string, number | null>();
  for (const table of tables) await find(table, keys, owners);
  return keys.map((key) => owners.get(key) ?? null);
}

/** Adds what the table says of these connections; of one that it does not have, nothing. */
async function find(table: string, keys: readonly string[], owners: Map<string, number | null>): Promise<void> {
  const missing = new Set(keys.filter((key) => !owners.has(key)));
  if (missing.size === 0) return;
  const handle = await open(`${folder}/${table}`).catch(() => null);
  if (handle === null) return;
  try {
    let rest = "";
    const buffer = Buffer.alloc(chunkBytes);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, null);
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, theirs = "", ours = "", ...fields] = line.trim().split(/\s+/);
        const key = `${withoutMapping(theirs)} ${withoutMapping(ours)}`;
        if (!missing.delete(key)) continue;
        owners.set(key, ownerIn(fields));
      }
      if (bytesRead === 0 || missing.size === 0) return;
    }
  } finally {
    await handle.close();
  }
}

/** Where they stand behind the two addresses: state, queues, timer, retransmits, user id, timeout, inode. */
const [uidField, inodeField] = [4, 6];
const noInode = "0";

/** A connection that its program has closed belongs to nobody, and its line says 0 where the user id stood. */
function ownerIn(fields: readonly string[]): number | null {
  const inode = fields[inodeField];
  return inode === undefined || inode === noInode ? null : Number(fields[uidField]);
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: Ends): string {
  return `${endOf(remoteAddress, remotePort)} ${endOf(localAddress, localPort)}`;
}

const mappedPrefix = "::ffff:";

/** How a socket of IPv6 has an IPv4 address (RFC 4291, section 2.5.5.2), in front of that address as the table writes it. */
const mappedWords = `${"0".repeat(16)}${inHostOrder("0000FFFF")}`;
const mappedLength = mappedWords.length + "00000000:0000".length;

function withoutMapping(end: string): string {
  return end.length === mappedLength && end.startsWith(mappedWords) ? end.slice(mappedWords.length) : end;
}

function plain(address: string): string {
  return address.startsWith(mappedPrefix) ? address.slice(mappedPrefix.length) : address;
}

/** @returns address and port as the tables write them: in words of 32 bits in the machine's order */
function endOf(address: string, port: number): string {
  const bytes = isIPv4(plain(address)) ? bytesOf4(plain(address)) : bytesOf6(address);
  const words = bytes.match(/.{8}/g)?.map(inHostOrder) ?? [];
  return `${words.join("")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}

function inHostOrder(word: string): string {
  return endianness() === "LE" ? (word.match(/../g) ?? []).reverse().join("") : word;
}

function bytesOf4(address: string): string {
  return address
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("");
}

function bytesOf6(address: string): string {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = (text = "") => (text === "" ? [] : text.split(":").map((group) => group.padStart(4, "0")));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0000");
  return [...before, ...zeros, ...after].join("");
}
