/** A host with users, PAM, sudo, su and doas, reached by ssh over loopback: this machine, with an /etc of a test's own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { SessionRow } from "../rows.ts";
import { launcher, type Sandbox } from "../sandbox.ts";
import { openTerminal, type Terminal } from "./pty.ts";
import { hookFile, runLine, sourceLine } from "./shells.ts";

const prompt = "sb> ";
/** Waits in a shell for its own courier: a question before that would read its file in its stead. */
export const untilRecorded = 'until grep -q session/1 "$__session_buddy_file"; do sleep 0.05; done';
/** They are users of the host's own /etc alone. */
const firstUid = 61_001;

export interface LoginHost {
  readonly folder: string;
  /** The number of a user; names are those that the host was made with, and root. */
  uidOf(user: string): number;
  /** Logs in with a terminal and waits for the prompt. */
  login(user: string): Promise<Terminal>;
  /** The session of the shell that has the terminal, as it says itself, once it is on record. */
  rowOf(terminal: Terminal): Promise<SessionRow>;
  /** What a line of shell prints there. */
  read(terminal: Terminal, line: string): Promise<string>;
}

/**
 * Needs root. Nothing of the machine is changed: /etc and /run are others in a namespace for each login.
 *
 * @param variables - what the rc file of each user exports before it sources the hook
 */
export async function createLoginHost(
  t: TestContext,
  sandbox: Sandbox,
  users: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<LoginHost> {
  const { folder } = sandbox;
  const [etc, out] = [join(folder, "etc"), join(folder, "out")];
  chmodSync(folder, 0o755);
  execFileSync("cp", ["-a", "/etc", etc]);
  mkdirSync(out);
  chmodSync(out, 0o1777);
  const uids = new Map(users.map((name, at) => [name, firstUid + at]));
  const passwd = readFileSync(join(etc, "passwd"), "utf8");
  writeFileSync(join(etc, "passwd"), passwd.replace(/^root:.*$/m, `root:x:0:0:root:${join(folder, "root")}:/bin/bash`));
  makeHome(sandbox, "root", 0, variables);
  for (const [name, uid] of uids) {
    appendFileSync(join(etc, "passwd"), `${name}:x:${uid}:${uid}::${join(folder, name)}:/bin/bash\n`);
    appendFileSync(join(etc, "shadow"), `${name}:*:19000:0:99999:7:::\n`);
    appendFileSync(join(etc, "group"), `${name}:x:${uid}:\n`);
    makeHome(sandbox, name, uid, variables);
  }
  // Whoever is asked for a password is let in: that is not what is looked at.
  writeFileSync(
    join(etc, "pam.d/su"),
    "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\n@include common-session\n",
  );
  writeFileSync(join(etc, "pam.d/su-l"), "@include su\n");
  writeFileSync(join(etc, "sudoers"), "Defaults env_reset, use_pty, !lecture\nALL ALL=(ALL:ALL) NOPASSWD: ALL\n");
  chmodSync(join(etc, "sudoers"), 0o440);
  writeFileSync(join(etc, "doas.conf"), "permit nopass alice\n");
  const port = await listen(t, sandbox, etc);
  let read = 0;
  const options = {
    IdentityFile: join(folder, "key"),
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    LogLevel: "ERROR",
    Port: String(port),
  };
  const args = ["-F", "/dev/null", "-tt", ...Object.entries(options).map(([key, value]) => `-o${key}=${value}`)];
  const readFrom = async (terminal: Terminal, line: string) => {
    read += 1;
    const path = join(out, String(read));
    await runLine(terminal, `${line} > ${path}`);
    return readFileSync(path, "utf8").trim();
  };
  return {
    folder,
    uidOf: (user) => uids.get(user) ?? 0,
    async login(user) {
      const env = { PATH: sandbox.env.PATH ?? "", HOME: folder, TERM: "xterm" };
      const terminal = openTerminal(t, "ssh", [...args, `${user}@127.0.0.1`], { env, cwd: folder });
      await terminal.find(prompt);
      return terminal;
    },
    async rowOf(terminal) {
      await runLine(terminal, untilRecorded);
      return JSON.parse(await readFrom(terminal, `${launcher} current --json`));
    },
    read: readFrom,
  };
}

function makeHome(
  { folder, env }: Sandbox,
  name: string,
  uid: number,
  variables: Readonly<Record<string, string>>,
): void {
  const home = join(folder, name);
  const { SESSION_BUDDY_NODE: node } = env;
  const exported = {
    ...variables,
    SESSION_BUDDY_HOME: join(home, "sb"),
    SESSION_BUDDY_SPOOL: "",
    ...(node === undefined ? {} : { SESSION_BUDDY_NODE: node }),
  };
  const lines = Object.entries(exported).map(([key, value]) => `export ${key}=${value}`);
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(
    join(home, ".bashrc"),
    ["unset PROMPT_COMMAND HISTFILE", `PS1='${prompt}'`, ...lines, sourceLine("bash", hookFile("bash")), ""].join("\n"),
  );
  writeFileSync(join(home, ".bash_profile"), ". ~/.bashrc\n");
  for (const path of [home, join(home, ".bashrc"), join(home, ".bash_profile")]) chownSync(path, uid, uid);
}

/** Each connection gets an sshd of its own, which has the connection itself, so that it knows where it comes from. */
async function listen(t: TestContext, { folder }: Sandbox, etc: string): Promise<number> {
  for (const name of ["host-key", "key"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  }
  const config = [
    `HostKey ${join(folder, "host-key")}`,
    `AuthorizedKeysFile ${join(folder, "key.pub")}`,
    "StrictModes no",
    "UsePAM yes",
    "PrintMotd no",
    "PrintLastLog no",
  ];
  writeFileSync(join(folder, "sshd_config"), `${config.join("\n")}\n`);
  const start = [
    "mount -t tmpfs none /run",
    "mkdir -p /run/sshd /run/sudo",
    `mount --bind ${etc} /etc`,
    `exec /usr/sbin/sshd -i -f ${join(folder, "sshd_config")}`,
  ];
  writeFileSync(join(folder, "start"), `${start.join(" && ")}\n`);
  const children = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn("unshare", ["-m", "sh", join(folder, "start")], {
      stdio: [socket, socket, "ignore"],
      cwd: "/",
    });
    children.add(child);
    child.once("exit", () => children.delete(child));
    socket.destroy();
  });
  t.after(() => {
    server.close();
    for (const child of children) child.kill("SIGTERM");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
