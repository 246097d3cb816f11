/** A host that is reached by ssh, which is this one: a real sshd without a network, whose root has a home of the test's own. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../support/sandbox.ts";
import { createHome, type ShellKind, type ShellPlan } from "../support/shells/shells.ts";

export interface SshHost {
  /** Options of ssh, scp, sftp and `rsync -e` that lead to it. */
  readonly options: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Needs root, as sshd does. @param kind - root's login shell there */
export function createSshHost(sandbox: Sandbox, kind: ShellKind, plan: ShellPlan = {}): SshHost {
  const env = createHome(sandbox, kind, plan);
  const home = env.HOME ?? "";
  const inHome = (name: string) => join(home, name);
  for (const name of ["host-key", "key"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", inHome(name)]);
  }
  const users = readFileSync("/etc/passwd", "utf8").replace(/^root:.*$/m, `root:x:0:0:root:${home}:/usr/bin/${kind}`);
  writeFileSync(inHome("passwd"), users);
  writeFileSync(
    inHome("sshd_config"),
    [
      `HostKey ${inHome("host-key")}`,
      `AuthorizedKeysFile ${inHome("key.pub")}`,
      `SetEnv SESSION_BUDDY_HOME=${sandbox.home}`,
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "PrintMotd no",
      "PrintLastLog no",
      "Subsystem sftp internal-sftp",
      "",
    ].join("\n"),
  );
  // sshd wants its own folder, and reads the users; neither is changed outside of the namespace. A file that is mounted
  // over alone loses its mount as soon as useradd(8) puts another in its place, which is what other tests do meanwhile.
  const start = [
    "mount -t tmpfs none /run",
    "mkdir /run/sshd",
    `{ cp -a /etc ${inHome("etc")} 2>/dev/null; cp ${inHome("passwd")} ${inHome("etc/passwd")}; }`,
    `mount --bind ${inHome("etc")} /etc`,
    `exec /usr/sbin/sshd -i -f ${inHome("sshd_config")}`,
  ].join(" && ");
  writeFileSync(inHome("start"), `${start}\n`);
  const options = {
    ProxyCommand: `unshare -m sh ${inHome("start")}`,
    IdentityFile: inHome("key"),
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    LogLevel: "ERROR",
  };
  return { options: ["-F", "/dev/null", ...Object.entries(options).map(([key, value]) => `-o${key}=${value}`)], env };
}
