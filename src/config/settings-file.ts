/** Owns the settings file, through conf. Loaded by `config.ts` and the config command only when there is need. */
import Conf from "conf";
import { makeFolders, wordsOfHome } from "../host/private-folder.ts";
import { lookAtRegular } from "../host/regular-file.ts";
import { follow, mayOthersWrite, shellWord } from "../host/trusted-path.ts";
import { syncFolder } from "../host/whole-file.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Paths } from "./paths.ts";
import { settingRules } from "./settings.ts";
import type { KeptSettings } from "./system-settings.ts";

/**
 * Opens the settings file for reading and writing through conf.
 *
 * @throws SessionBuddyError `settings` when the file cannot be read or breaks a rule
 */
export function openSettings(paths: Paths): Conf<KeptSettings> {
  const { issue } = follow(paths.settingsFile);
  if (issue !== null)
    throw new SessionBuddyError("settings", `the settings file ${paths.settingsFile} ${wordsOfHome(issue)}`);
  try {
    requireOwn(paths.settingsFile);
    return new Conf<KeptSettings>({
      cwd: paths.settingsFolder,
      configName: "settings",
      projectName: "session-buddy",
      configFileMode: 0o600,
      clearInvalidConfig: false,
      accessPropertiesByDotNotation: false,
      schema: Object.fromEntries(Object.entries(settingRules).map(([name, rule]) => [name, rule.schema])),
      rootSchema: { additionalProperties: false },
      deserialize: parseObject,
    });
  } catch (error) {
    throw new SessionBuddyError(
      "settings",
      `the settings file ${paths.settingsFile} cannot be used: ${(error as Error).message}; fix it or move it away`,
      { cause: error },
    );
  }
}

/**
 * Changes the settings; they are on the disk when this returns.
 *
 * @throws SessionBuddyError `settings` when they cannot be used or written
 */
export function changeSettings(paths: Paths, change: (settings: Conf<KeptSettings>) => void): void {
  const settings = openSettings(paths);
  try {
    makeFolders(paths.settingsFolder);
    change(settings);
    syncFolder(paths.settingsFolder);
  } catch (error) {
    throw new SessionBuddyError("settings", `the settings cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** conf opens whatever is there. Where every step on the way is ours, nobody else changes it between this look and that. */
function requireOwn(path: string): void {
  const stats = lookAtRegular(path);
  if (stats === null || !mayOthersWrite(stats)) return;
  throw new Error(`other users may write to it; close it with: chmod go-w ${shellWord(path)}`);
}

/** conf would take anything else for an empty file, and write over it. */
function parseObject(text: string): KeptSettings {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error("it does not hold a JSON object");
}
