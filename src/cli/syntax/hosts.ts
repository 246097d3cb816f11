/** Owns the rows of the command table about records that send to another: who is let in, and how this one is. */
import type { Command } from "@commander-js/extra-typings";
import { example, type OptionsOf } from "./arguments.ts";

const helpOfInvite = `
Prints an invitation, and the line to run on the host. An invitation is for one
host: it is used once, and five wrong secrets end it. Whose sessions the host may
send must be said: those of one user (its own record), or everybody's (the record
of a machine). Run it where the record is that the hosts send to.
`;
const helpOfRevoke = `
From a host that is revoked nothing more is taken, within five seconds; what it
has sent stays. Invitations of the same name are ended too.
Exit status: 1 there is no such host.
`;
const helpOfRotate = `
Run it on the host. The new key is signed by the old one, which is refused from
then on. Where it is interrupted, run it again.
`;
const helpOfEnroll = `
Makes a key of this record, which is known to the other record by it from then
on, and sends there what this record has and what comes: who had a shell open,
on which host, in which directory, from when to when, and how it ended.
The invitation is read from standard input; an argument could be seen by others.
As root, on a machine that keeps a record, that record is enrolled.
Exit status: 4 the other record refuses; 5 it does not answer.
`;
const helpOfUnenroll = `
Nothing more is sent; what was sent stays there. The keeper of the other record
can refuse the key with 'session-buddy host revoke'.
Exit status: 1 there is no such destination.
`;

export function addHost(program: Command): void {
  const host = program
    .command("host")
    .description("Let other hosts send their sessions to this record.")
    .addHelpText("after", example("session-buddy host invite web-01 --any-user"));
  describeInvite(host).action(async (name, options) => (await import("../commands/host.ts")).runInvite(name, options));
  describeList(host).action(async (options) => (await import("../commands/host.ts")).runList(options));
  describeRevoke(host).action(async (which, options) =>
    (await import("../commands/host.ts")).runRevoke(which, options),
  );
  describeRotate(host).action(async (name, options) =>
    (await import("../commands/enroll.ts")).runRotate(name, options),
  );
}

function describeInvite(host: Command) {
  return host
    .command("invite")
    .description("Print an invitation for one host.")
    .argument("<name>", "what the host is called from then on")
    .option("--user <name>", "it may send sessions of this user")
    .option("--any-user", "it may send sessions of everybody")
    .option("--ttl <time>", "how long the invitation is good: 90s, 15m, 24h, 7d", "15m")
    .option("--url <address>", "where the host reaches this record (default: the setting public_url)")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfInvite + example("session-buddy host invite web-01 --any-user"));
}
export type HostInviteOptions = OptionsOf<typeof describeInvite>;

function describeList(host: Command) {
  return host
    .command("list")
    .description("Show the hosts that are enrolled here.")
    .option("--invites", "show the invitations that can still be used")
    .option("--json", "print JSON")
    .addHelpText("after", example("session-buddy host list"));
}
export type HostListOptions = OptionsOf<typeof describeList>;

function describeRevoke(host: Command) {
  return host
    .command("revoke")
    .description("Take nothing more from a host.")
    .argument("<host>", "its name, or its origin where several have the name")
    .option("--all", "every host of the name")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfRevoke + example("session-buddy host revoke web-01"));
}
export type HostRevokeOptions = OptionsOf<typeof describeRevoke>;

function describeRotate(host: Command) {
  return host
    .command("rotate")
    .description("Replace the key by which this record is known to another.")
    .argument("[destination]", "the other record; not needed where there is one")
    .option("--personal", "as root: your own record, not the one of the machine")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfRotate + example("session-buddy host rotate"));
}
export type HostRotateOptions = OptionsOf<typeof describeRotate>;

function describeEnroll(program: Command) {
  return program
    .command("enroll")
    .description("Send the sessions of this record to another one.")
    .argument("<url>", "its address, such as https://central.example:8678")
    .option("--pin <hash>", "the hash of its key, sha256//BASE64, as 'host invite' prints it")
    .option("--ca-file <file>", "PEM file with the authority of its certificate (default: those of the system)")
    .option("--name <name>", "what it is called here (default: the name in its address)")
    .option("--personal", "as root: your own record, not the one of the machine")
    .option("--no-timer", "write no timer for systemd that sends when nothing else does")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfEnroll + example("session-buddy enroll https://central.example:8678 < invitation"));
}
export type EnrollOptions = OptionsOf<typeof describeEnroll>;

export function addEnroll(program: Command): void {
  describeEnroll(program).action(async (url, options) => (await import("../commands/enroll.ts")).run(url, options));
}

function describeUnenroll(program: Command) {
  return program
    .command("unenroll")
    .description("Send nothing more to another record, and forget the key.")
    .argument("[destination]", "the other record; not needed where there is one")
    .option("--personal", "as root: your own record, not the one of the machine")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfUnenroll + example("session-buddy unenroll central.example"));
}
export type UnenrollOptions = OptionsOf<typeof describeUnenroll>;

export function addUnenroll(program: Command): void {
  describeUnenroll(program).action(async (name, options) =>
    (await import("../commands/enroll.ts")).runUnenroll(name, options),
  );
}
