/** Owns the timer of systemd that has this record delivered when nothing else does (systemd.timer(5)), for a user or for the machine. */
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../config/environment.ts";
import { resolveShellFolders } from "../config/paths.ts";
import { recordPlace } from "../config/record-place.ts";
import { findTool, runTool } from "../host/tools.ts";
import { writtenBeside } from "../host/whole-file.ts";
import { isUntouched, stamped } from "./stamp.ts";
import { accountName, programLink, stateFolder } from "./system/places.ts";
import { programOf, restrictions, unitText, variableOf } from "./units.ts";

/** Whose record it is for. */
export type TimerOwner = "user" | "machine";

export interface TimerChange {
  /** What was done, or is to be done by hand, as a sentence; null for nothing. */
  readonly words: string | null;
}

const unitName = "session-buddy-deliver";
const worldReadable = 0o644;
/** Root's services are started by the minute; a user's are beside what each shell sends. */
const everySeconds = { machine: 60, user: 300 } as const;

/** @returns the text of both units */
export function timerUnits(
  owner: TimerOwner,
  program: string,
  environment: Readonly<Record<string, string>>,
): { readonly service: string; readonly timer: string } {
  const made = `# Made by 'session-buddy enroll', removed by 'session-buddy unenroll'.`;
  const isOfMachine = owner === "machine";
  const service = [
    made,
    "[Unit]",
    "Description=session-buddy: send what is on record to another record",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${programOf(program)} deliver`,
    "TimeoutStartSec=300",
    ...Object.entries(environment).map(([name, value]) => `Environment=${variableOf(name, value)}`),
    "UMask=0077",
    "NoNewPrivileges=yes",
    ...(isOfMachine ? ofMachine : []),
    ...restrictions,
  ];
  const timer = [
    made,
    "[Unit]",
    "Description=session-buddy: send what is on record to another record",
    "",
    "[Timer]",
    "OnActiveSec=10",
    `OnUnitInactiveSec=${everySeconds[owner]}`,
    "# Hosts that were started together do not all send together.",
    "RandomizedDelaySec=20",
    "",
    "[Install]",
    "WantedBy=timers.target",
  ];
  return { service: stamped(unitText(service)), timer: stamped(unitText(timer)) };
}

const ofMachine = [
  `User=${accountName}`,
  `Group=${accountName}`,
  "ProtectSystem=strict",
  `ReadWritePaths=${stateFolder}`,
  "ProtectHome=yes",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "CapabilityBoundingSet=",
];

/**
 * Puts the units in place and begins with them. One that is not as it was made is left alone.
 *
 * @param program - that of a user; the machine's is where it is installed
 */
export function addTimer(owner: TimerOwner, env: Environment, program: string): TimerChange {
  if (findTool("systemctl") === null) {
    return { words: "There is no systemd here: let something run 'session-buddy deliver' each minute, or 'serve'." };
  }
  const folder = folderOf(owner, env);
  const units =
    owner === "machine"
      ? timerUnits(owner, `${programLink}/bin/session-buddy`, { SESSION_BUDDY_HOME: stateFolder })
      : timerUnits(owner, program, recordPlace(env));
  const kept = putUnits(folder, units);
  if (kept !== null) return { words: `${kept} was changed by hand and is left as it is.` };
  const began = isAsked(owner, ["daemon-reload"]) && isAsked(owner, ["start", `${unitName}.timer`]);
  const asked = owner === "user" ? "systemctl --user" : "systemctl";
  const when = began
    ? "from now on"
    : `from the next start of systemd on; at once with: ${asked} daemon-reload && ${asked} start ${unitName}.timer`;
  return { words: `The timer ${join(folder, `${unitName}.timer`)} sends what is new ${when}` };
}

/** Takes away what {@link addTimer} made; one that is not as it was made is left alone. */
export function removeTimer(owner: TimerOwner, env: Environment): TimerChange {
  if (timerFile(owner, env) === null) return { words: null };
  const folder = folderOf(owner, env);
  isAsked(owner, ["stop", `${unitName}.timer`]);
  const kept = dropUnits(folder);
  isAsked(owner, ["daemon-reload"]);
  return { words: kept === null ? "Its timer is removed." : `${kept} was changed by hand and is left as it is.` };
}

/** @returns the timer's file; null where there is none */
export function timerFile(owner: TimerOwner, env: Environment): string | null {
  const path = join(folderOf(owner, env), `${unitName}.timer`);
  return existsSync(path) ? path : null;
}

/** @returns the file that is left alone, before which nothing was done; null for none */
export function putUnits(folder: string, { service, timer }: ReturnType<typeof timerUnits>): string | null {
  const files = [
    [join(folder, `${unitName}.service`), service],
    [join(folder, `${unitName}.timer`), timer],
  ] as const;
  const changed = files.find(([path]) => !isOurs(path));
  if (changed !== undefined) return changed[0];
  mkdirSync(join(folder, wantsFolder), { recursive: true, mode: 0o755 });
  for (const [path, text] of files) {
    const uid = process.geteuid?.() ?? 0;
    renameSync(writtenBeside(path, text, { uid, gid: process.getegid?.() ?? 0, mode: worldReadable }), path);
  }
  const link = join(folder, wantsFolder, `${unitName}.timer`);
  // What 'systemctl enable' would make.
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(join(folder, `${unitName}.timer`), link);
  return null;
}

/** @returns the file that is left alone; null for none */
export function dropUnits(folder: string): string | null {
  const paths = ["timer", "service"].map((ending) => join(folder, `${unitName}.${ending}`));
  const changed = paths.find((path) => !isOurs(path));
  if (changed !== undefined) return changed;
  rmSync(join(folder, wantsFolder, `${unitName}.timer`), { force: true });
  for (const path of paths) rmSync(path, { force: true });
  return null;
}

const wantsFolder = "timers.target.wants";

function isOurs(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined || (stats.isFile() && isUntouched(readFileSync(path)));
}

function folderOf(owner: TimerOwner, env: Environment): string {
  if (owner === "machine") return "/etc/systemd/system";
  return join(resolveShellFolders(env).config, "systemd/user");
}

/** @returns whether systemd did it; one that does not run does nothing */
function isAsked(owner: TimerOwner, args: readonly string[]): boolean {
  if (!existsSync("/run/systemd/system")) return false;
  return runTool("systemctl", owner === "user" ? ["--user", ...args] : args) !== null;
}
