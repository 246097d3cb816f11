/** Owns whose the other end of a connection within this machine is, as the kernel's tables of connections say (proc_net(5)). */
import { readFile } from "node:fs/promises";
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
export const connectionTables = ["tcp", "tcp6"] as const;
export type ConnectionTable = (typeof connectionTables)[number];

/** @throws the file system's error where there is no such table, as on every system but Linux */
export function readConnectionTable(table: ConnectionTable): Promise<string> {
  return readFile(`/proc/net/${table}`, "latin1");
}

/** Which fields of a line follow the two addresses: state, queues, timer, retransmits, uid, timeout, inode. */
const [uidField, inodeField] = [4, 6];
const noInode = "0";

/**
 * @param text - of a table
 * @returns the user id of the program at the other end; null when no program is there any more, or it is in no line
 */
export function ownerIn(text: string, { localAddress, localPort, remoteAddress, remotePort }: Ends): number | null {
  const [theirs, ours] = [endOf(remoteAddress, remotePort), endOf(localAddress, localPort)];
  if (theirs === null || ours === null) return null;
  for (const prefix of isIPv4(plain(remoteAddress)) ? ["", mappedWords] : [""]) {
    const key = `: ${prefix}${theirs} ${prefix}${ours} `;
    const at = text.indexOf(key);
    if (at === -1) continue;
    const fields = text
      .slice(at + key.length, text.indexOf("\n", at))
      .trim()
      .split(/\s+/);
    const inode = fields[inodeField];
    // A connection that its program has closed belongs to nobody, and its line says 0 where the user id stood.
    if (inode !== undefined && inode !== noInode) return Number(fields[uidField]);
  }
  return null;
}

const mappedPrefix = "::ffff:";

/** How a socket of IPv6 has an IPv4 address (RFC 4291, section 2.5.5.2), in front of that address as the table writes it. */
const mappedWords = ["00000000", "00000000", inHostOrder("0000FFFF")].join("");

function plain(address: string): string {
  return address.startsWith(mappedPrefix) ? address.slice(mappedPrefix.length) : address;
}

/** @returns address and port as the tables write them: in words of 32 bits in the machine's order; null for no address */
function endOf(address: string, port: number): string | null {
  const bytes = isIPv4(plain(address)) ? bytesOf4(plain(address)) : bytesOf6(address);
  if (bytes === null) return null;
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

function bytesOf6(address: string): string | null {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = (text = "") => (text === "" ? [] : text.split(":").map((group) => group.padStart(4, "0")));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0000");
  const all = [...before, ...zeros, ...after].join("");
  return /^[0-9a-f]{32}$/i.test(all) ? all : null;
}
