/** Owns what the kernel says of a process's surroundings, and what it means: terminal, login, container. For `capture/`. */
import { existsSync, readFileSync } from "node:fs";
import type { Circumstances } from "../tracker/circumstances.ts";
import type { ProcessStat } from "./processes.ts";

/** `-1` of the kernel's type: no login was told to it (`/proc/PID/loginuid`, `/proc/PID/sessionid`). */
const unset = 4_294_967_295;

/** What the kernel says: all but what takes a look at other records. */
export type SeenCircumstances = Partial<Omit<Circumstances, "parentSession">>;

/**
 * Looks at a process of any user; none of it needs a privilege. Each file is read once.
 *
 * @param stat - of that process, read just before: what else is read then belongs to it
 * @param root - the folder that `/proc` and the marks of containers are in; the root folder by default
 */
export function lookAround(pid: number, stat: ProcessStat, root = ""): SeenCircumstances {
  const inProc = (name: string) => readText(`${root}/proc/${pid}/${name}`);
  const [status, cgroup] = [inProc("status"), inProc("cgroup")];
  return {
    uid: effectiveUid(status),
    tty: stat.ttyNumber === null ? null : ttyName(stat.ttyNumber),
    loginUid: parseId(inProc("loginuid")),
    auditSession: parseId(inProc("sessionid")),
    systemdSession: systemdSessionIn(cgroup),
    container: containerOf(cgroup, namespaceDepth(status), root),
  };
}

/** @returns the container that this program runs in, named as that of a process beside it; null for none */
export function ownContainer(root = ""): string | null {
  return containerOf(readText(`${root}/proc/self/cgroup`), 1, root);
}

/** @returns a number as the kernel's audit writes it; null for none, and for what is no such number */
export function parseId(text: string): number | null {
  const digits = text.trim();
  const id = Number(digits);
  return String(id) === digits && Number.isInteger(id) && 0 <= id && id < unset ? id : null;
}

/** The second of the four: real, effective, saved, for files (proc_pid_status(5)). */
function effectiveUid(status: string): number | null {
  return parseId(valuesOf(status, "Uid")[1] ?? "");
}

/** In how many pid namespaces from ours on a process is: 1 in our own. */
function namespaceDepth(status: string): number {
  return valuesOf(status, "NSpid").length;
}

/** The values behind a name of `/proc/PID/status`. A regular expression that is used once costs more than reading the file. */
function valuesOf(status: string, name: string): string[] {
  const at = status.indexOf(`\n${name}:\t`);
  if (at === -1) return [];
  const from = at + name.length + 3;
  return status.slice(from, status.indexOf("\n", from)).split("\t");
}

/**
 * Names a terminal by its number in field 7 of `/proc/PID/stat`: bits 8 to 19 are the major number, the others the minor
 * one (proc_pid_stat(5), `MKDEV` of Linux).
 *
 * @returns the name without `/dev/`, or `MAJOR:MINOR` where the name is not fixed; null for no terminal
 */
export function ttyName(number: number): string | null {
  // The kernel prints it as a signed number.
  const bits = number >>> 0;
  const major = (bits >>> 8) & 0xfff;
  const minor = (bits & 0xff) | ((bits >>> 12) & 0xfff00);
  if (bits === 0) return null;
  if (firstPts <= major && major <= lastPts) return `pts/${(major - firstPts) * 256 + minor}`;
  if (major === 4) return minor < firstSerial ? `tty${minor}` : `ttyS${minor - firstSerial}`;
  if (major === 5 && minor === 1) return "console";
  const name = ttyNames.get(major);
  return name === undefined ? `${major}:${minor}` : `${name}${minor}`;
}

/** Major numbers of pseudo-terminals, and the first serial line (`Documentation/admin-guide/devices.txt` of Linux). */
const firstPts = 136;
const lastPts = 143;
const firstSerial = 64;
const ttyNames: ReadonlyMap<number, string> = new Map([
  [166, "ttyACM"],
  [188, "ttyUSB"],
  [229, "hvc"],
]);

/**
 * The scope that logind makes for a login. Only root makes groups in that place; further down users may, of any name.
 */
function systemdSessionIn(cgroup: string): string | null {
  if (!cgroup.includes("/session-")) return null;
  return /^\d+:[^:\n]*:\/user\.slice\/user-\d+\.slice\/session-(\w{1,32})\.scope(?:\/|$)/m.exec(cgroup)?.[1] ?? null;
}

const containerGroup = /\/(?:(docker|libpod|crio|cri-containerd)-|(docker)\/)([0-9a-f]{64})(?:\.scope)?(?:\/|$)/m;
const namedGroup = /\/(?:lxc(?:\.payload)?[./]([\w.-]{1,64})|systemd-nspawn@([\w.-]{1,64})\.service)(?:\/|$)/m;
/** One of these is in every group that the patterns above match. */
const marks = ["docker", "libpod", "crio", "cri-containerd", "lxc", "nspawn"];
const engines: ReadonlyMap<string, string> = new Map([
  ["libpod", "podman"],
  ["cri-containerd", "containerd"],
]);
/** As `docker ps` shows it. */
const shownId = 12;

/** What this program's own root has in it is true of a process that is no deeper than this program. */
function containerOf(cgroup: string, depth: number, root: string): string | null {
  const named = marks.some((mark) => cgroup.includes(mark)) ? containerNamed(cgroup) : null;
  if (named !== null) return named;
  if (depth > 1) return "namespace";
  if (existsSync(`${root}/run/.containerenv`)) return "podman";
  return existsSync(`${root}/.dockerenv`) ? "docker" : null;
}

function containerNamed(cgroup: string): string | null {
  const [, engine, byFolder, id = ""] = containerGroup.exec(cgroup) ?? [];
  const kind = engine ?? byFolder;
  if (kind !== undefined) return `${engines.get(kind) ?? kind}:${id.slice(0, shownId)}`;
  const [, lxc, nspawn] = namedGroup.exec(cgroup) ?? [];
  if (lxc !== undefined) return `lxc:${lxc}`;
  return nspawn === undefined ? null : `nspawn:${nspawn}`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
