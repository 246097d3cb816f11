/** `session-buddy serve`: the tracker for MCP clients. */
import packageJson from "../../package.json" with { type: "json" };
import { openApp } from "../app.ts";
import { credentialSources, isWaitedForBySystemd, parseSetting, resolveConfig } from "../config.ts";
import { openGate } from "../credentials.ts";
import { createLog, type Log } from "../log.ts";
import { serveHttp, serveStdio } from "../server/serve.ts";

export interface ServeCommandOptions {
  readonly host?: string;
  readonly port?: string;
  readonly stdio?: boolean;
}

export async function run(options: ServeCommandOptions): Promise<void> {
  const config = await resolveConfig(process.env);
  const host = options.host === undefined ? config.settings.host : String(parseSetting("host", options.host));
  const port = options.port === undefined ? config.settings.port : Number(parseSetting("port", options.port));
  const log = createLog({ toStandardError: true, file: config.settings.log_file });
  const gate = await openGate(credentialSources(process.env), config.settings.issuers);
  const stop = stopSignal(log, config.settings.log_file);
  const app = await openApp(config, log, gate);
  const common = { app, log, version: packageJson.version, store: config.paths.database, signal: stop };
  const { settings } = config;
  const limits = {
    connections: settings.max_connections,
    callsPerSecond: settings.max_calls_per_second,
    refusalsPerMinute: settings.max_refusals_per_minute,
    sessions: settings.max_mcp_sessions,
    sessionIdleMs: settings.mcp_session_minutes * 60_000,
  };
  const areMetricsOpen = settings.open_metrics === "yes";
  try {
    await (options.stdio
      ? serveStdio(common)
      : serveHttp({
          ...common,
          host,
          port,
          limits,
          areMetricsOpen,
          isWaitedForBySystemd: isWaitedForBySystemd(process.env),
        }));
  } finally {
    await app.close();
  }
}

/** Whoever signals a whole process group, as timeout(1) does, may signal the server twice and means it once. */
const sameSignalMs = 100;

/**
 * Aborted by the first SIGINT or SIGTERM, or SIGHUP where there is no log file; a later one ends the process at once,
 * as if nobody listened. Where there is one, SIGHUP comes from whoever has moved it away.
 */
function stopSignal(log: Log, logFile: string | null): AbortSignal {
  const controller = new AbortController();
  const names: NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
  if (logFile === null) names.push("SIGHUP");
  // Each line opens the file by its name, so that this one already goes to the new file.
  else process.on("SIGHUP", () => log.info("Log file reopened", { file: logFile }));
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
