/** Owns the machine's settings file, which the administrator writes for all users; their own settings win over it. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { isUnknownRoot } from "../host/trusted-path.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type KeptValue, type SettingName, settingRules } from "./settings.ts";

/** What a file of settings holds: some of them, each as its rule keeps it. */
export type KeptSettings = Partial<Record<SettingName, KeptValue>>;

/** No variable names another one: whoever sets variables can set the settings themselves. */
export const systemSettingsFile = "/etc/session-buddy/settings.json";

const root = 0;
const othersMayWrite = 0o022;

/**
 * Reads the machine's settings, where there are any. Unlike the user's own file it is read at each start of every user's
 * shell, so that it is looked at without conf, whose validator takes as long as the rest of a start.
 *
 * @throws SessionBuddyError `settings` when it is not the administrator's alone, cannot be read, or breaks a rule
 */
export function readSystemSettings(file: string): KeptSettings {
  try {
    const text = readOfRoot(file);
    return text === null ? {} : checked(JSON.parse(text));
  } catch (error) {
    throw new SessionBuddyError(
      "settings",
      `the settings file ${file} of this machine cannot be used: ${(error as Error).message}; its administrator can fix it or move it away`,
      { cause: error },
    );
  }
}

/** @returns null when there is none */
function readOfRoot(file: string): string | null {
  const descriptor = opened(file);
  if (descriptor === null) return null;
  try {
    requireOfRoot(fstatSync(descriptor));
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** One that a user may not read is not meant for that user. */
const notForUs: readonly (string | undefined)[] = ["ENOENT", "ENOTDIR", "EACCES"];

function opened(file: string): number | null {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (notForUs.includes((error as NodeJS.ErrnoException).code)) return null;
    throw error;
  }
}

function requireOfRoot(stats: Stats): void {
  if (!stats.isFile()) throw new Error("it is not a regular file");
  if (stats.uid !== root && !isUnknownRoot(stats.uid))
    throw new Error(`it belongs to user id ${stats.uid}, not to root`);
  if ((stats.mode & othersMayWrite) !== 0) throw new Error("others than root may write to it (chmod go-w closes it)");
}

function checked(value: unknown): KeptSettings {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("it does not hold a JSON object");
  const kept: Record<string, KeptValue> = {};
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(settingRules, name)) throw new Error(`there is no setting '${name}'`);
    kept[name] = keptOf(name as SettingName, given);
  }
  return kept;
}

/** Read as the text of the same value would be, which says what is needed. What is yes or no may be JSON's true or false. */
function keptOf(name: SettingName, value: unknown): KeptValue {
  const { schema, parse } = settingRules[name];
  const given = schema.type === undefined && typeof value === "boolean" ? (value ? "yes" : "no") : value;
  const texts = Array.isArray(given) && given.every((item) => typeof item === "string") ? given : null;
  const isOfType =
    schema.type === "array" ? texts !== null : typeof given === (schema.type === "integer" ? "number" : "string");
  if (!isOfType) throw new Error(`${name}: ${neededType(schema.type)} is needed`);
  try {
    parse(texts === null ? String(given) : texts.join(","));
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
  return given as KeptValue;
}

function neededType(type: unknown): string {
  if (type === "integer") return "a number";
  if (type === "array") return "an array of texts";
  return type === undefined ? "yes or no" : "a text";
}
