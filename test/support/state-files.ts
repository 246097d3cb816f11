/** The bytes of state files as a shell's hook writes them, one entry after another. */

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
