/** Owns what the program runs with: flags win over the environment, the environment over the settings file. */
import { existsSync } from "node:fs";
import type { Environment } from "./environment.ts";
import { type Paths, requireHome, resolvePaths } from "./paths.ts";
import { type KeptValue, parseSetting, type SettingName, type Settings, settingRules } from "./settings.ts";

export interface Config {
  readonly paths: Paths;
  readonly settings: Settings;
}

/**
 * Resolves the configuration.
 *
 * @throws SessionBuddyError `usage` for a wrong variable, `settings` for a bad file
 */
export async function resolveConfig(env: Environment): Promise<Config> {
  const paths = resolvePaths(env);
  requireHome(env, paths);
  return { paths, settings: resolveSettings(env, await readSettings(paths)) };
}

function resolveSettings(env: Environment, kept: Partial<Record<SettingName, KeptValue>>): Settings {
  const value = <Name extends SettingName>(name: Name): Settings[Name] => {
    const rule = settingRules[name];
    const text = env[rule.environmentName];
    if (text !== undefined && text !== "") return parseSetting(name, text, rule.environmentName);
    const known = kept[name];
    return known === undefined ? rule.fallback : rule.fromKept(known);
  };
  return {
    component: value("component"),
    host: value("host"),
    port: value("port"),
    issuers: value("issuers"),
    log_file: value("log_file"),
    max_connections: value("max_connections"),
    max_connections_per_address: value("max_connections_per_address"),
    max_calls_per_second: value("max_calls_per_second"),
    max_refusals_per_minute: value("max_refusals_per_minute"),
    max_mcp_sessions: value("max_mcp_sessions"),
    mcp_session_minutes: value("mcp_session_minutes"),
    open_metrics: value("open_metrics"),
    allow_other_users: value("allow_other_users"),
  };
}

/** conf is loaded only when there is a file to read: its validator costs as much as the rest of a start. */
async function readSettings(paths: Paths): Promise<Partial<Record<SettingName, KeptValue>>> {
  if (!existsSync(paths.settingsFile)) return {};
  const { openSettings } = await import("./settings-file.ts");
  return openSettings(paths).store;
}
