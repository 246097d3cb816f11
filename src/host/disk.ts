/** Owns whether there is room on a disk. */
import { statfsSync } from "node:fs";

/**
 * @returns whether nothing more can be made in a folder: no block is left for whoever is not root, or no inode; some file
 *   systems have no number of those (statfs(2))
 * @throws the file system's error
 */
export function isDiskFull(folder: string): boolean {
  const { bavail, ffree, files } = statfsSync(folder);
  return bavail === 0 || (files > 0 && ffree === 0);
}
