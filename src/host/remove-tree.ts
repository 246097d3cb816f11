/**
 * Owns removing a folder of which others may still change what lies in it. Each folder is held open and what is in it is
 * named through that (proc(5), /proc/self/fd), so that a link which somebody puts in place of a folder is never followed.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";

/** Deeper ones are left: each level holds a descriptor open. */
const deepest = 200;

/**
 * @param path - a folder, the way to which is the caller's own
 * @throws the file system's error, for example ENOTEMPTY when somebody goes on making files in it
 */
export function removeTree(path: string): void {
  emptyFolder(Buffer.from(path), 0);
  rmdirSync(path);
}

function emptyFolder(path: Buffer, depth: number): void {
  if (depth > deepest) throw Object.assign(new Error("folders are nested too deep in it"), { code: "ELOOP" });
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${descriptor}`;
    // Names are bytes, which need not be text.
    for (const name of readdirSync(held, { encoding: "buffer" })) {
      const inside = Buffer.concat([Buffer.from(`${held}/`), name]);
      if (lstatSync(inside).isDirectory()) {
        emptyFolder(inside, depth + 1);
        rmdirSync(inside);
      } else unlinkSync(inside);
    }
  } finally {
    closeSync(descriptor);
  }
}
