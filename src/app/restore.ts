/** Owns putting a backup in the place of the record, whatever state that one is in. */
import type { Config } from "../config/config.ts";
import { ensurePrivateFolder } from "../host/private-folder.ts";
import type { Log } from "../log.ts";
import { type BackupContent, examineBackup } from "../store/sqlite/backup-content.ts";
import { restoreBackup } from "../store/sqlite/restore.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** What was restored, or would be. */
export interface Restored extends BackupContent {
  /** Where the record that was there is kept; null when there was none, or nothing was done. */
  readonly kept: string | null;
}

/**
 * Looks at a backup and changes nothing.
 *
 * @throws SessionBuddyError `usage` when there is no such file; `storage.*` when it is not a record that can be used
 */
export async function examine(config: Config, file: string): Promise<Restored> {
  requireFile(config);
  return { ...(await examineBackup(file, config.paths.database)), kept: null };
}

/**
 * Puts a copy of a backup in place; servers and shells may go on meanwhile.
 *
 * @param onProgress - told how many of how many pages are copied
 * @throws as {@link examine}; the record is then as it was
 */
export async function restore(
  config: Config,
  log: Log,
  file: string,
  onProgress: (done: number, total: number) => void,
): Promise<Restored> {
  requireFile(config);
  const { dataFolder, database: path } = config.paths;
  ensurePrivateFolder(dataFolder, "data folder");
  const mark = new Date().toISOString().replaceAll(/[-:]/g, "");
  const restored = await restoreBackup({ file, path, mark, onProgress });
  log.info("Record restored", { file, store: path, kept: restored.kept });
  return restored;
}

function requireFile({ settings }: Config): void {
  if (settings.store === null) return;
  throw new SessionBuddyError(
    "usage",
    "the record is in a PostgreSQL database; restore what pg_dump made with pg_restore",
  );
}
