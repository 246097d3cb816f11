/** `session-buddy serve`: the tracker for MCP clients. */
import { resolve } from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { openApp } from "../../app/app.ts";
import { openReloadableGate, type ReloadableGate } from "../../auth/credentials.ts";
import { createRenewedTls, type RenewedTls, tlsFilesOf } from "../../auth/tls-files.ts";
import { resolveConfig } from "../../config/config.ts";
import { credentialSources, isWaitedForBySystemd } from "../../config/environment.ts";
import { parseSetting, type Settings } from "../../config/settings.ts";
import { createLog, type Log, logFailure } from "../../log.ts";
import { refreshTls } from "../../server/http/tls.ts";
import { type MachineService, serveHttp, serveStdio } from "../../server/serve.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { ServeOptions } from "../syntax/setup.ts";

export async function run(options: ServeOptions): Promise<void> {
  const config = await resolveConfig(process.env);
  const host = options.host === undefined ? config.settings.host : parseSetting("host", options.host);
  const port = options.port === undefined ? config.settings.port : parseSetting("port", options.port);
  const log = createLog({ toStandardError: true, file: config.settings.log_file });
  const door = await openReloadableGate(credentialSources(process.env), config.settings.issuers);
  const logFile = config.settings.log_file;
  const tls = openTls(options, config.settings);
  const isService = logFile !== null || isWaitedForBySystemd(process.env);
  const stop = stopSignal(isService ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"]);
  if (isService) process.on("SIGHUP", () => void reload(log, logFile, door, tls));
  const machine = machineOf(options.spool, config.settings);
  const app = await openApp(config, log, machine?.spool ?? null);
  const gate = door === null ? null : door.gate;
  const common = { app, gate, version: packageJson.version, signal: stop };
  const { settings } = config;
  const limits = {
    connections: settings.max_connections,
    connectionsPerAddress: settings.max_connections_per_address,
    callsPerSecond: settings.max_calls_per_second,
    refusalsPerMinute: settings.max_refusals_per_minute,
    sessions: settings.max_mcp_sessions,
    sessionIdleMs: settings.mcp_session_minutes * 60_000,
  };
  const areMetricsOpen = settings.open_metrics;
  try {
    await (options.stdio
      ? serveStdio(common)
      : serveHttp({
          ...common,
          host,
          port,
          limits,
          areMetricsOpen,
          areOtherUsersAllowed: options.allowOtherUsers === true || settings.allow_other_users,
          isWaitedForBySystemd: isWaitedForBySystemd(process.env),
          machine,
          tls,
          publicUrl: settings.public_url,
        }));
  } finally {
    await app.close();
  }
}

/** @throws SessionBuddyError `usage` for a certificate without a key, `auth.secret` when they cannot be used */
function openTls({ tlsCertificate, tlsKey, stdio }: ServeOptions, settings: Settings): RenewedTls | null {
  const files = tlsFilesOf(
    {
      tls_certificate_file: tlsCertificate === undefined ? settings.tls_certificate_file : resolve(tlsCertificate),
      tls_key_file: tlsKey === undefined ? settings.tls_key_file : resolve(tlsKey),
    },
    credentialSources(process.env).credentialsFolder,
  );
  return files === null || stdio ? null : createRenewedTls(files);
}

/** @throws SessionBuddyError `usage` when there is no socket to answer on */
function machineOf(folder: string | undefined, { socket, admin_group: adminGroup }: Settings): MachineService | null {
  if (folder === undefined) return null;
  const spool = parseSetting("spool", folder, "--spool");
  if (spool !== null && socket !== null) return { spool, socket, adminGroup };
  throw new SessionBuddyError("usage", "--spool needs a folder, and a socket to answer on (setting socket)");
}

/** Whoever signals a whole process group, as timeout(1) does, may signal the server twice and means it once. */
const sameSignalMs = 100;

/** Aborted by the first of these signals; a later one ends the process at once, as if nobody listened. */
function stopSignal(names: readonly NodeJS.Signals[]): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) return;
    controller.abort();
    setTimeout(() => {
      for (const name of names) process.removeListener(name, stop);
    }, sameSignalMs).unref();
  };
  for (const name of names) process.on(name, stop);
  return controller.signal;
}

/** To a service, SIGHUP says that its log file was moved, or that what it has read has changed. Never throws. */
async function reload(
  log: Log,
  logFile: string | null,
  door: ReloadableGate | null,
  tls: RenewedTls | null,
): Promise<void> {
  // Each line opens the file by its name, so that this one already goes to the new file.
  if (logFile !== null) log.info("Log file reopened", { file: logFile });
  if (tls !== null) refreshTls(tls, log, true);
  if (door === null) return;
  try {
    await door.reload();
    log.info("Secrets and keys reloaded");
  } catch (error) {
    logFailure(log, "Secrets and keys not reloaded", error);
  }
}
