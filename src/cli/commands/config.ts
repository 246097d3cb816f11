/** `session-buddy config`: the settings. */
import { parseSetting, resolvePaths, type SettingName, type Settings, settingRules } from "../../config/config.ts";
import { openSettings } from "../../config/settings-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { alignColumns } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";

export async function runGet(name: string): Promise<void> {
  const known = requireName(name);
  const kept = openSettings(resolvePaths(process.env)).store[known];
  printLine(toText(kept ?? settingRules[known].fallback));
}

export async function runSet(name: string, text: string): Promise<void> {
  const known = requireName(name);
  const value = parseSetting(known, text);
  const settings = openSettings(resolvePaths(process.env));
  writing(() => settings.set({ [known]: value } as Partial<Settings>));
}

export async function runUnset(name: string): Promise<void> {
  const known = requireName(name);
  const settings = openSettings(resolvePaths(process.env));
  writing(() => settings.delete(known));
}

export async function runList(options: { readonly json?: boolean }): Promise<void> {
  const kept = openSettings(resolvePaths(process.env)).store;
  const names = Object.keys(settingRules) as SettingName[];
  const entries = names.map((name) => [name, kept[name] ?? settingRules[name].fallback] as const);
  if (options.json) return printJson(Object.fromEntries(entries));
  const rows = entries.map(([name, value]) => [
    name,
    toText(value),
    name in kept ? "kept" : "default",
    `${settingRules[name].description}; ${settingRules[name].environmentName}`,
  ]);
  for (const line of alignColumns([["NAME", "VALUE", "FROM", "MEANING"], ...rows])) printLine(line);
}

export function runPath(): void {
  printLine(resolvePaths(process.env).settingsFile);
}

function requireName(name: string): SettingName {
  if (Object.hasOwn(settingRules, name)) return name as SettingName;
  throw new SessionBuddyError(
    "usage",
    `there is no setting '${name}'; there are ${Object.keys(settingRules).join(", ")}`,
  );
}

function writing(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new SessionBuddyError("settings", `the settings cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function toText(value: unknown): string {
  if (Array.isArray(value)) return value.join(",");
  return value === null ? "" : String(value);
}
