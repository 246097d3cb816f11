/** Owns the settings file, through conf. Loaded by `config.ts` and the config command only when there is need. */
import Conf from "conf";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Paths } from "./paths.ts";
import { type KeptValue, type SettingName, settingRules } from "./settings.ts";

/** What the file holds: some of the settings, each as its rule keeps it. */
export type KeptSettings = Partial<Record<SettingName, KeptValue>>;

/**
 * Opens the settings file for reading and writing through conf.
 *
 * @throws SessionBuddyError `settings` when the file cannot be read or breaks a rule
 */
export function openSettings(paths: Paths): Conf<KeptSettings> {
  try {
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
      `the settings file ${paths.settingsFile} cannot be used: ${(error as Error).message}; mend it or move it away`,
      { cause: error },
    );
  }
}

/** conf would take anything else for an empty file, and write over it. */
function parseObject(text: string): KeptSettings {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error("it holds no JSON object");
}
