/** Owns the copy of the store into another file. */
import { closeSync, openSync, rmSync } from "node:fs";
import { backup, type DatabaseSync } from "node:sqlite";
import { follow } from "../../host/trusted-path.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";

/** How many pages are copied before others get their turn; about 4 MB. */
const pagesPerTurn = 1_000;

/**
 * Copies what `database` sees. It must be in a transaction that has read: the copy is then of one moment, and writers
 * need not stop for it (https://www.sqlite.org/backup.html starts again whenever it sees a change).
 *
 * @param path - of a file that does not exist
 * @throws SessionBuddyError `usage` when it exists
 */
export async function copyTo(
  path: string,
  database: DatabaseSync,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  createNew(path);
  try {
    const total = await backup(database, path, {
      rate: pagesPerTurn,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
    onProgress(total, total);
  } catch (error) {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
    throw error;
  }
}

/** SQLite would take the mode from the umask, and write over what is there. */
function createNew(path: string): void {
  requireTrusted(path);
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new SessionBuddyError("usage", `${path} already exists; name a new file`, { cause: error });
  }
}

/** SQLite opens the file by its name again, so nobody else may be able to put another in its place. */
function requireTrusted(path: string): void {
  const { issue } = follow(path);
  if (issue === null) return;
  throw new SessionBuddyError("storage.unavailable", `${path} ${issue.words}; ${issue.remedy}`);
}
