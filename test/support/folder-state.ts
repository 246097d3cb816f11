/** What a folder holds, so that two looks at it can be compared. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** @returns a line for each thing in it and below: name, owner, mode, when it was changed, and what it holds */
export function stateOf(folder: string): string[] {
  const lines = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
    const path = join(folder, name);
    const stats = lstatSync(path);
    const content = stats.isFile() ? readFileSync(path, "utf8") : stats.isSymbolicLink() ? readlinkSync(path) : "";
    return [name, stats.uid, stats.mode.toString(8), stats.mtimeMs, content].join(" ");
  });
  return lines.toSorted();
}
