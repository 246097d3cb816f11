/** `session-buddy serve --client` and `--unit`: what clients and systemd are told of a server, printed and not run. */

import { resolve } from "node:path";
import type { CredentialSources } from "../../auth/credentials.ts";
import { resolveConfig } from "../../config/config.ts";
import { credentialSources, type Environment } from "../../config/environment.ts";
import { recordPlace, serviceEnvironment } from "../../config/record-place.ts";
import { parseSetting, settingRules } from "../../config/settings.ts";
import { type Connection, clientSettings } from "../../install/client-settings.ts";
import { programPath } from "../../install/program.ts";
import type { ClientName, UnitName } from "../../install/server-names.ts";
import { unit } from "../../install/units.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { escapeControls } from "../../wire/escape.ts";
import type { ServeOptions } from "../syntax/setup.ts";
import { printMessage, printText } from "../terminal/print.ts";

/** Where a server listens. */
interface Address {
  readonly host: string;
  readonly port: number;
  /** Whether it shows a certificate. */
  readonly isSecure: boolean;
}

export async function run(options: ServeOptions): Promise<void> {
  const { client, unit: manager } = options;
  if (client !== undefined) await printClient(client, options);
  else if (manager !== undefined) await printUnit(manager, options);
}

async function printClient(client: ClientName, options: ServeOptions): Promise<void> {
  const { text, advice } = clientSettings(client, await connection(options, process.env));
  printText(text);
  printMessage(`session-buddy: ${advice}\n`);
}

async function connection(options: ServeOptions, env: Environment): Promise<Connection> {
  if (options.stdio) return { kind: "stdio", program: programPath(), environment: recordPlace(env) };
  const url = urlOf(await addressOf(options, env));
  return { kind: "http", url, needsToken: isGuarded(credentialSources(env)) };
}

async function printUnit(manager: UnitName, options: ServeOptions): Promise<void> {
  const sources = credentialSources(process.env);
  const isOfUser = manager === "user";
  const { text, file, advice } = unit(manager, {
    program: programPath(),
    flags: isOfUser ? await flagsOfUser(options, process.env) : await flagsOfSystem(options, process.env),
    environment: isOfUser ? recordPlace(process.env) : {},
    secretFile: absolute(sources.secretFile),
    keysFile: absolute(sources.keysFile),
  });
  printText(text);
  const lines = [`put this into ${file}, then run:`, ...advice.map((line) => `  ${line}`)];
  printMessage(`session-buddy: ${lines.join("\n")}\n`);
}

/** Only what the settings file does not say: that is read by the server too, now and after it was changed. */
async function flagsOfUser(options: ServeOptions, env: Environment): Promise<string[]> {
  const wanted = await addressOf(options, env);
  const kept = await addressOf({}, serviceEnvironment(env));
  urlOf(wanted);
  return [
    ...(wanted.host === kept.host ? [] : ["--host", wanted.host]),
    ...(wanted.port === kept.port ? [] : ["--port", String(wanted.port)]),
    ...(options.allowOtherUsers ? ["--allow-other-users"] : []),
    ...filesOf(options),
  ];
}

/** The service of the machine has settings of its own, and is there for other hosts. */
async function flagsOfSystem(options: ServeOptions, env: Environment): Promise<string[]> {
  const address = await addressOf({ host: "0.0.0.0", ...options }, env);
  urlOf(address);
  const { host, port } = address;
  return [
    "--host",
    host,
    ...(port === settingRules.port.fallback ? [] : ["--port", String(port)]),
    ...filesOf(options),
  ];
}

/** A unit is started in another folder. */
function filesOf({ tlsCertificate, tlsKey }: ServeOptions): string[] {
  return [
    ...(tlsCertificate === undefined ? [] : ["--tls-certificate", resolve(tlsCertificate)]),
    ...(tlsKey === undefined ? [] : ["--tls-key", resolve(tlsKey)]),
  ];
}

async function addressOf(options: ServeOptions, env: Environment): Promise<Address> {
  const { settings } = await resolveConfig(env);
  return {
    host: options.host === undefined ? settings.host : String(parseSetting("host", options.host)),
    port: options.port === undefined ? settings.port : Number(parseSetting("port", options.port)),
    isSecure: (options.tlsCertificate ?? settings.tls_certificate_file) !== null,
  };
}

/**
 * @returns the URL for a client on this host; one that listens on every address is reached at the loopback address
 * @throws SessionBuddyError `usage` when the host is not an address, or any port is wanted
 */
function urlOf({ host, port, isSecure }: Address): string {
  if (port === 0) {
    throw new SessionBuddyError("usage", "port 0 is any free port, which no client can know; choose one with --port");
  }
  const reached = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  const text = `${isSecure ? "https" : "http"}://${reached.includes(":") ? `[${reached}]` : reached}:${port}/mcp`;
  if (!/[\p{Cc}\s/?#@\\]/u.test(reached) && URL.canParse(text)) return new URL(text).href;
  throw new SessionBuddyError("usage", `host: '${escapeControls(host)}' is not an address`);
}

/** Whether a server with this environment asks for a token. Nothing is read: a bad file is for the server to refuse. */
function isGuarded({ secret, secretFile, keysFile }: CredentialSources): boolean {
  return [secret, secretFile, keysFile].some((source) => source !== undefined);
}

function absolute(path: string | undefined): string | null {
  return path ? resolve(path) : null;
}
