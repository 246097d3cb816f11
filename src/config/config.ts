/**
 * Owns what the program runs with: flags win over the environment, the environment over the user's settings file, that
 * one over the machine's.
 */
import { existsSync } from "node:fs";
import type { Environment } from "./environment.ts";
import { type Paths, requireHome, resolvePaths } from "./paths.ts";
import { parseSetting, type SettingName, type Settings, settingRules } from "./settings.ts";
import { type KeptSettings, readSystemSettings, systemSettingsFile } from "./system-settings.ts";

export interface Config {
  readonly paths: Paths;
  readonly settings: Settings;
}

/**
 * Resolves the configuration.
 *
 * @param systemFile - the machine's settings; need not exist
 * @throws SessionBuddyError `usage` for a wrong variable, `settings` for a bad file
 */
export async function resolveConfig(env: Environment, systemFile = systemSettingsFile): Promise<Config> {
  const paths = resolvePaths(env);
  requireHome(env, paths);
  const user = await readSettings(paths);
  const kept = { ...below(user.from, readSystemSettings(systemFile)), ...user };
  return { paths, settings: resolveSettings(env, below(env[settingRules.from.environmentName] || undefined, kept)) };
}

/**
 * A token, and what a server is known by, are for the address that they stand beside: they are not for another one that is
 * set above it.
 */
function below(address: unknown, kept: KeptSettings): KeptSettings {
  if (address === undefined || address === kept.from) return kept;
  const { from_token_file: _file, from_pin: _pin, from_ca_file: _caFile, ...rest } = kept;
  return rest;
}

function resolveSettings(env: Environment, kept: KeptSettings): Settings {
  const value = <Name extends SettingName>(name: Name): Settings[Name] => {
    const rule = settingRules[name];
    const text = env[rule.environmentName];
    if (text !== undefined && (text !== "" || rule.isEmptyMeant)) return parseSetting(name, text, rule.environmentName);
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
    spool: value("spool"),
    socket: value("socket"),
    admin_group: value("admin_group"),
    remote: value("remote"),
    store: value("store"),
    store_password_file: value("store_password_file"),
    from: value("from"),
    from_token_file: value("from_token_file"),
    from_pin: value("from_pin"),
    from_ca_file: value("from_ca_file"),
    tls_certificate_file: value("tls_certificate_file"),
    tls_key_file: value("tls_key_file"),
    public_url: value("public_url"),
    keep_days: value("keep_days"),
  };
}

/** conf is loaded only when there is a file to read: its validator costs as much as the rest of a start. */
async function readSettings(paths: Paths): Promise<KeptSettings> {
  if (!existsSync(paths.settingsFile)) return {};
  const { openSettings } = await import("./settings-file.ts");
  return openSettings(paths).store;
}
