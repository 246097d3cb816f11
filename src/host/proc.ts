/** Owns what this machine can tell about its processes, from proc(5) where there is one. */
import { readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Processes } from "./processes.ts";
import { compareProgram, type Files, isNameOf } from "./program.ts";

/** @returns the processes of a system with proc(5) */
export function createProcProcesses(): Processes {
  const inodeOf = onceForEachName(namespaceInode);
  const timeNamespace = () => {
    const inode = inodeOf("time");
    return inode === initialTimeNamespace ? null : inode;
  };
  // In a time namespace the start times of all processes are shifted (time_namespaces(7)), and cannot be compared outside.
  const pidNamespace = () => {
    const [inode, time] = [inodeOf("pid"), timeNamespace()];
    return inode === null || time === null ? inode : `${inode}/${time}`;
  };
  return {
    ...looks,
    get hasProc() {
      return pidNamespace() !== null;
    },
    timeNamespace,
    pidNamespace,
  };
}

const looks: Omit<Processes, "hasProc" | "timeNamespace" | "pidNamespace"> = {
  bootId: () => readText("/proc/sys/kernel/random/boot_id")?.trim() || null,
  bootClockMs() {
    const seconds = Number.parseFloat(readText("/proc/uptime") ?? "");
    return Number.isNaN(seconds) ? null : Math.round(seconds * 1000);
  },
  stat(pid) {
    const { comm, fields } = statOf(pid) ?? { comm: "", fields: [] };
    const startTicks = fields[startTimeField - fieldAfterCommand];
    if (startTicks === undefined) return null;
    return {
      hasExited: fields[0] === "Z" || fields[0] === "X",
      startTicks,
      comm,
      parent: Number(fields[parentField - fieldAfterCommand]),
      ttyNumber: Number(fields[ttyField - fieldAfterCommand]),
    };
  },
  parentOf(pid) {
    const parent = statOf(pid)?.fields[parentField - fieldAfterCommand];
    return parent === undefined ? null : Number(parent);
  },
  ownerOf(pid) {
    // The folder of a process that may not be dumped belongs to root, whoever's it is (proc(5)).
    const uid = /^Uid:\t\d+\t(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1];
    return uid === undefined ? null : Number(uid);
  },
  executableOf: (pid) => readLink(`/proc/${pid}/exe`),
  exeIdOf: (pid) => files.idOf(`/proc/${pid}/exe`),
  compareProgram: (recorded, seen) => compareProgram(recorded, seen, files),
  isNameOfProgram: (recorded, seen) => isNameOf(recorded, seen, files),
  nameOf(pid) {
    const name = readText(`/proc/${pid}/comm`)?.trim().replace(/^-/, "");
    if (name) return name;
    const executable = readLink(`/proc/${pid}/exe`);
    return executable === null ? null : basename(executable);
  },
};

/** `/proc/PID/stat` counts its fields from 1; what follows the command's `)` begins with field 3. */
const fieldAfterCommand = 3;
const parentField = 4;
const ttyField = 7;
const startTimeField = 22;

function statOf(pid: number): { comm: string; fields: string[] } | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The command is in parentheses and may itself hold parentheses and spaces.
  const end = text.lastIndexOf(")");
  return { comm: text.slice(text.indexOf("(") + 1, end), fields: text.slice(end + 2).split(" ") };
}

/** The initial time namespace has this inode on every machine (`PROC_TIME_INIT_INO` of Linux). */
const initialTimeNamespace = "4026531834";

/** A process stays in the namespaces that it sees, and reconciling asks once for each session. */
function onceForEachName(look: (name: string) => string | null): (name: string) => string | null {
  const known = new Map<string, string | null>();
  return (name) => {
    if (!known.has(name)) known.set(name, look(name));
    return known.get(name) ?? null;
  };
}

function namespaceInode(name: string): string | null {
  return /\[(\d+)\]/.exec(readLink(`/proc/self/ns/${name}`) ?? "")?.[1] ?? null;
}

const files: Files = {
  idOf(path) {
    try {
      // An inode number may need all of its 64 bits.
      const { dev, ino } = statSync(path, { bigint: true });
      return `${dev}:${ino}`;
    } catch {
      return null;
    }
  },
  resolved(path) {
    try {
      return realpathSync(path);
    } catch {
      return path;
    }
  },
};

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
