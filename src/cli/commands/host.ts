/** `session-buddy host invite`, `list` and `revoke`: who may send to this record. */
import { hostname } from "node:os";
import { inviteHost, listHosts, type MadeInvite, revokeHost } from "../../app/hosts.ts";
import { readTls, tlsFilesOf } from "../../auth/tls-files.ts";
import { resolveConfig } from "../../config/config.ts";
import { credentialSources } from "../../config/environment.ts";
import { parseSetting, type Settings } from "../../config/settings.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { Invite } from "../../tracker/hosts.ts";
import { formatInstant, instantFromMs } from "../../tracker/instant.ts";
import { escapeControls } from "../../wire/escape.ts";
import { type HostRow, toEnrolledRow } from "../../wire/host-view.ts";
import { withApp } from "../context.ts";
import { parseAgeMs } from "../input/moment.ts";
import type { HostInviteOptions, HostListOptions, HostRevokeOptions } from "../syntax/hosts.ts";
import { printColumns } from "../terminal/columns.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";
import { withTitles } from "../terminal/style.ts";

export async function runInvite(name: string, options: HostInviteOptions): Promise<void> {
  const { settings } = await resolveConfig(process.env);
  const url = options.url === undefined ? urlOf(settings) : String(parseSetting("public_url", options.url, "--url"));
  const pin = pinOfServer(settings);
  const username = usernameOf(options);
  const made = await withApp((app) => inviteHost(app, { name, username, ttlMs: parseAgeMs(options.ttl) }));
  if (options.json) {
    const { expiresAt } = made.invite;
    printJson({ invite: made.ticket, name, username, url, pin, expires_at: formatInstant(expiresAt) });
  } else printInvite(made, url, pin);
}

/** @throws SessionBuddyError `usage` unless exactly one of them is said */
function usernameOf({ user, anyUser }: HostInviteOptions): string | null {
  if ((user === undefined) !== (anyUser === undefined)) return user ?? null;
  throw new SessionBuddyError(
    "usage",
    "say whose sessions the host may send: --user NAME for its own record of one user, --any-user for that of a machine",
  );
}

/** The invitation alone on standard output, so that it can be piped to where it is needed. */
function printInvite({ invite, ticket }: MadeInvite, url: string, pin: string | null): void {
  printLine(ticket);
  const command = ["session-buddy enroll", url, ...(pin === null ? [] : ["--pin", pin])].join(" ");
  const whose = invite.username === null ? "sessions of everybody" : `sessions of ${invite.username}`;
  printMessage(
    escapeControls(`${invite.name} may send ${whose}. Run there, before ${formatInstant(invite.expiresAt)}:`).concat(
      "\n",
    ),
  );
  printMessage(`  ${escapeControls(command)}\nand give it the invitation on standard input.\n`);
}

/** @returns where a server with these settings is reached, as far as can be told here */
function urlOf({ public_url: publicUrl, host, port, tls_certificate_file: certificate }: Settings): string {
  if (publicUrl !== null) return publicUrl;
  const name = host === "0.0.0.0" || host === "::" ? hostname() : host;
  const scheme = certificate === null ? "http" : "https";
  return `${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** Null where the server speaks plain HTTP, or a proxy in front of it TLS. */
function pinOfServer(settings: Settings): string | null {
  const files = tlsFilesOf(settings, credentialSources(process.env).credentialsFolder);
  return files === null ? null : readTls(files).pin;
}

export async function runList({ invites, json }: HostListOptions): Promise<void> {
  if (invites) {
    const now = instantFromMs(Date.now());
    const open = (await withApp(({ store }) => store.invites())).filter(
      ({ usedBy, expiresAt }) => usedBy === null && expiresAt > now,
    );
    return json ? printJson(open.map(toInviteRow)) : printInvites(open);
  }
  const hosts = await withApp(listHosts);
  if (json) return printJson(hosts);
  printHosts(hosts);
}

export async function runRevoke(which: string, { all, json }: HostRevokeOptions): Promise<void> {
  const { hosts, invites } = await withApp((app) => revokeHost(app, which, all ?? false));
  if (json) return printJson({ hosts: hosts.map(toEnrolledRow), invites: invites.map(toInviteRow) });
  for (const { name, originId } of hosts) {
    printLine(escapeControls(`Revoked ${name} (${originId}); nothing more is taken from it.`));
  }
  if (invites.length > 0) printLine(`Ended ${invites.length} invitations.`);
  if (hosts.length + invites.length === 0) printLine(escapeControls(`${which} was revoked already.`));
}

function toInviteRow({ id, name, username, createdAt, expiresAt, wrongSecrets }: Invite) {
  return {
    id,
    name,
    username,
    created_at: formatInstant(createdAt),
    expires_at: formatInstant(expiresAt),
    wrong_secrets: wrongSecrets,
  };
}

const everybody = "everybody";

/** What a host calls itself stands there where it is not what it was invited as. */
function printHosts(hosts: readonly HostRow[]): void {
  if (hosts.length === 0) printMessage("No host is enrolled here.\n");
  if (hosts.length === 0) return;
  const rows = hosts.map((host) => [
    host.hostname === host.name ? host.name : `${host.name} (calls itself ${host.hostname})`,
    host.username ?? everybody,
    host.revoked_at === null ? "enrolled" : "revoked",
    host.enrolled_at,
    host.heard_at ?? "never",
    host.backlog === null ? "" : String(host.backlog),
    notesOf(host),
    host.origin,
  ]);
  const titles = ["HOST", "SESSIONS OF", "STATE", "ENROLLED", "LAST HEARD", "BACKLOG", "NOTES", "ORIGIN"];
  printColumns([titles, ...rows], withTitles);
}

/** Clocks differ by a little everywhere. */
const shownSkewMs = 5_000;

function notesOf({ skew_ms: skewMs, parked, losses, clone }: HostRow): string {
  const skew = skewMs ?? 0;
  const notes = [
    Math.abs(skew) > shownSkewMs
      ? `clock ${Math.round(Math.abs(skew) / 1_000)} s ${skew > 0 ? "ahead" : "behind"}`
      : "",
    parked > 0 ? `${parked} events refused` : "",
    losses > 0 ? "events lost" : "",
    clone === null ? "" : "two machines with its key?",
  ];
  return notes.filter((note) => note !== "").join(", ");
}

function printInvites(invites: readonly Invite[]): void {
  if (invites.length === 0) printMessage("No invitation can be used now.\n");
  if (invites.length === 0) return;
  const rows = invites.map(({ id, name, username, expiresAt, wrongSecrets }) => [
    name,
    username ?? everybody,
    formatInstant(expiresAt),
    String(wrongSecrets),
    id,
  ]);
  printColumns([["HOST", "SESSIONS OF", "UNTIL", "WRONG SECRETS", "INVITATION"], ...rows], withTitles);
}
