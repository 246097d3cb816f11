/** `session-buddy token keys`: key pairs that sign tokens. */

import { createKeysFile, dropKeys, exportKeys, listKeys, rotateKeys, type ShownKey } from "../../auth/keys-file.ts";
import { credentialSources } from "../../config/environment.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type {
  KeysCreateOptions,
  KeysDropOptions,
  KeysExportOptions,
  KeysListOptions,
  KeysRotateOptions,
} from "../syntax/token.ts";
import { printColumns } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { withTitles } from "../terminal/style.ts";

export async function runCreate(options: KeysCreateOptions): Promise<void> {
  const key = await createKeysFile(fileOf(options), options.algorithm);
  if (options.json) printJson(key);
  else printLine(key.kid);
}

export async function runList(options: KeysListOptions): Promise<void> {
  printKeys(await listKeys(fileOf(options)), options);
}

export async function runRotate(options: KeysRotateOptions): Promise<void> {
  const { algorithm, drop = false } = options;
  printKeys(await rotateKeys(fileOf(options), { algorithm, drop }), options);
}

export async function runDrop(kids: readonly string[], options: KeysDropOptions): Promise<void> {
  printKeys(await dropKeys(fileOf(options), kids), options);
}

export async function runExport(options: KeysExportOptions): Promise<void> {
  printJson(await exportKeys(fileOf(options)));
}

function fileOf({ file }: KeysExportOptions): string {
  const path = file ?? credentialSources(process.env).keysFile;
  if (path) return path;
  throw new SessionBuddyError("usage", "no keys file is named; use --file or set SESSION_BUDDY_KEYS_FILE");
}

function printKeys(keys: readonly ShownKey[], { json }: KeysListOptions): void {
  if (json) {
    printJson(keys);
    return;
  }
  const rows = keys.map(({ kid, algorithm, use }) => [kid, algorithm, use]);
  printColumns([["KID", "ALGORITHM", "USE"], ...rows], withTitles);
}
