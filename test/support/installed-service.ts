/** The service of an installed machine, run as systemd would run its unit: its user, its folders, its environment, its program. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.ts";
import type { TestMachine } from "./installed-machine.ts";
import { withoutTerminals } from "./shells/pty.ts";

const unitFile = "/etc/systemd/system/session-buddy.service";

export interface UnitService {
  readonly pid: number;
  /** What it has written since it was started last. */
  log(): string;
  /** Starts it; it answers when this resolves. */
  start(): Promise<void>;
  /** @param signal - the one that systemd sends by default */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** What stands in a unit: the values of a key, in their order. */
type Unit = (key: string) => readonly string[];

/** Starts what the installed unit says. It is stopped when the test is done. */
export async function startUnit(t: TestContext, machine: TestMachine): Promise<UnitService> {
  const unit = readUnit(readFileSync(machine.at(unitFile), "utf8"));
  let log = "";
  let child: ChildProcess | null = null;
  let gone = Promise.resolve();
  const end = (signal: NodeJS.Signals) => {
    child?.kill(signal);
    return gone;
  };
  const service: UnitService = {
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => log,
    async start() {
      const [program = "", ...args] = [...withoutTerminals, ...machine.under, ...commandOf(unit)];
      log = "";
      child = spawn(program, args, { env: { PATH: machine.env.PATH }, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
      gone = once(child, "exit").then(() => {});
      await eventually(() => assert.match(log, /Serving MCP: .*socket=/));
    },
    async stop(signal = "SIGTERM") {
      await end(signal);
      // The runtime folder goes with the service (systemd.exec(5)).
      await machine.shell(`rm -rf '/run/${unit("RuntimeDirectory")[0]}'`);
    },
  };
  t.after(() => end("SIGKILL"));
  await service.start();
  return service;
}

function readUnit(text: string): Unit {
  const settings = text.split("\n").flatMap((line) => {
    const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return key === "" ? [] : [{ key, value: value.replaceAll("%S", "/var/lib").replaceAll("%t", "/run") }];
  });
  return (wanted) => settings.filter(({ key }) => key === wanted).map(({ value }) => value);
}

function commandOf(unit: Unit): readonly string[] {
  const only = (key: string) => {
    const [value = ""] = unit(key);
    assert.notEqual(value, "", key);
    return value;
  };
  // Another server of this machine may have the port.
  const environment = [...unit("Environment"), "SESSION_BUDDY_PORT=0"];
  const given = [only("User"), only("Group"), only("UMask")];
  const folders = [
    `/run/${only("RuntimeDirectory")}`,
    only("RuntimeDirectoryMode"),
    `/var/lib/${only("StateDirectory")}`,
    only("StateDirectoryMode"),
    only("ReadWritePaths"),
  ];
  return [
    "unshare",
    "--mount",
    "sh",
    "-euc",
    closeOff,
    "sh",
    ...given,
    ...folders,
    ...environment,
    ...only("ExecStart").split(" "),
  ];
}

/** What systemd makes of the unit before it runs the program: folders, a file system that is read-only but for them, no rights. */
const closeOff = `
  user=$1 group=$2 umask=$3
  install -d -o "$user" -g "$group" -m "$5" "$4"
  install -d -o "$user" -g "$group" -m "$7" "$6"
  for folder in "$4" "$6" "$8"; do mount --bind "$folder" "$folder"; done
  for folder in / /etc /var /home /run /usr/local; do mount -o remount,bind,ro "$folder"; done
  shift 8
  umask "$umask"
  exec setpriv --reuid="$user" --regid="$group" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \\
    env -i PATH="$PATH" LANG=C.UTF-8 "$@"
`;
