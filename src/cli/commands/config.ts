/** `session-buddy config`: the settings. */
import { resolvePaths } from "../../config/paths.ts";
import { type KeptValue, parseSetting, type SettingName, settingRules } from "../../config/settings.ts";
import { changeSettings, openSettings } from "../../config/settings-file.ts";
import { readSystemSettings, systemSettingsFile } from "../../config/system-settings.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { ConfigListOptions } from "../syntax/setup.ts";
import { printColumns } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";

export async function runGet(name: string): Promise<void> {
  const known = requireName(name);
  const kept = openSettings(resolvePaths(process.env)).store[known];
  printLine(toText(kept ?? readSystemSettings(systemSettingsFile)[known] ?? keptFallback(known)));
}

export async function runSet(name: string, text: string): Promise<void> {
  const known = requireName(name);
  const value = keptFrom(known, text);
  changeSettings(resolvePaths(process.env), (settings) => settings.set({ [known]: value }));
}

export async function runUnset(name: string): Promise<void> {
  const known = requireName(name);
  changeSettings(resolvePaths(process.env), (settings) => settings.delete(known));
}

export async function runList(options: ConfigListOptions): Promise<void> {
  const kept = openSettings(resolvePaths(process.env)).store;
  const ofMachine = readSystemSettings(systemSettingsFile);
  const names = Object.keys(settingRules) as SettingName[];
  const entries = names.map((name) => [name, kept[name] ?? ofMachine[name] ?? keptFallback(name)] as const);
  if (options.json) return printJson(Object.fromEntries(entries));
  const rows = entries.map(([name, value]) => [
    name,
    toText(value),
    name in kept ? "saved" : name in ofMachine ? "machine" : "default",
    `${settingRules[name].description}; ${settingRules[name].environmentName}`,
  ]);
  printColumns([["NAME", "VALUE", "FROM", "MEANING"], ...rows]);
}

export function runPath(): void {
  printLine(resolvePaths(process.env).settingsFile);
}

function keptFrom<Name extends SettingName>(name: Name, text: string): KeptValue {
  return settingRules[name].toKept(parseSetting(name, text));
}

function keptFallback<Name extends SettingName>(name: Name): KeptValue {
  const { toKept, fallback } = settingRules[name];
  return toKept(fallback);
}

function requireName(name: string): SettingName {
  if (Object.hasOwn(settingRules, name)) return name as SettingName;
  throw new SessionBuddyError(
    "usage",
    `there is no setting '${name}'; the settings are ${Object.keys(settingRules).join(", ")}`,
  );
}

function toText(value: KeptValue): string {
  return value === null ? "" : String(value);
}
