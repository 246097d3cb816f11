/** Owns the steps that put the service's unit in place, start it, stop it and take the unit away. */
import { existsSync, lstatSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { findTool, requireTool, runTool } from "../../host/tools.ts";
import { syncFolder, writtenBeside } from "../../host/whole-file.ts";
import { removeTimer, timerFile } from "../deliver-timer.ts";
import { isUntouched } from "../stamp.ts";
import { makeFoldersAbove, requireTrustedWay } from "./folders.ts";
import { runFolder, unitFile, unitName, unitWanted } from "./places.ts";
import { versionThatAnswers } from "./service-answer.ts";
import { type Plan, refused, type Step, unchanged } from "./step.ts";
import { machineUnit, serviceByHand } from "./unit.ts";
import { clockErrorMs, installedAtMs, installedVersion, mayHaveBegunBefore } from "./versions.ts";

/** What systemd says of the unit. */
export interface UnitState {
  /** For example `active`, `failed`, `inactive`. */
  readonly active: string;
  readonly mainPid: number | null;
}

const notOurs: Plan = { action: "kept", reason: "the unit is not ours" };
const worldReadable = { uid: 0, gid: 0, mode: 0o644 };

/** @returns whether systemd is what runs the services of this machine (sd_booted(3)) */
export function isSystemdRunning(): boolean {
  return existsSync("/run/systemd/system") && findTool("systemctl") !== null;
}

/** Where a system is put together that will run systemd later, the unit is put in place and not started. */
function isSystemdHere(): boolean {
  return findTool("systemctl") !== null;
}

/** @returns null where systemd does not run, or does not say */
export function unitState(): UnitState | null {
  if (!isSystemdRunning()) return null;
  const text = runTool("systemctl", ["show", "--property=ActiveState,MainPID", unitName]);
  if (text === null) return null;
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  return { active: value("ActiveState"), mainPid: Number(value("MainPID")) || null };
}

/** @returns what the unit file is */
export function unitFileState(): "missing" | "installed" | "differs" | "other" {
  const stats = lstatSync(unitFile, { throwIfNoEntry: false });
  if (stats === undefined) return "missing";
  if (!stats.isFile()) return "other";
  const bytes = readFileSync(unitFile);
  if (bytes.toString("utf8") === machineUnit()) return "installed";
  return isUntouched(bytes) ? "differs" : "other";
}

/** @returns the steps that this machine has; one that says what to do where it has no systemd */
export function serviceSteps(): readonly Step[] {
  return isSystemdHere() ? [unitStep, wantedStep, startStep] : [byHandStep];
}

/** What `enroll` made for the machine's record, which is not delivered any more without its program. */
const removeDeliveryStep: Step = {
  part: "delivery",
  subject: "its timer",
  isQuiet: true,
  plan() {
    if (timerFile("machine", process.env) === null) return unchanged;
    return { action: "removed", act: () => void removeTimer("machine", process.env) };
  },
};

export function removeServiceSteps(): readonly Step[] {
  const own = isSystemdRunning() ? [stopStep] : [stillRunsStep, removeRunFolderStep];
  return [...own, removeWantedStep, removeUnitStep, removeDeliveryStep];
}

const unitStep: Step = {
  part: "unit",
  subject: unitFile,
  plan() {
    if (existsSync(dirname(unitFile))) requireTrustedWay(unitFile);
    const state = unitFileState();
    if (state === "installed") return unchanged;
    if (state === "other") {
      const remedy =
        "if it is not wanted, stop it and move it away; changes of ours belong in 'systemctl edit session-buddy'";
      return refused("is another unit, or was changed by hand", remedy);
    }
    return {
      action: state === "missing" ? "added" : "updated",
      act() {
        makeFoldersAbove(unitFile);
        renameSync(writtenBeside(unitFile, machineUnit(), worldReadable), unitFile);
        syncFolder(dirname(unitFile));
        if (isSystemdRunning()) requireSystemctl(["daemon-reload"]);
      },
    };
  },
};

/** What `systemctl enable` does; made here, so that it can be taken back with the folder that it may need. */
const wantedStep: Step = {
  part: "start at boot",
  subject: unitWanted,
  plan() {
    if (unitFileState() === "other") return notOurs;
    const stats = lstatSync(unitWanted, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() && readlinkSync(unitWanted) === unitFile) return unchanged;
    if (stats !== undefined) return refused("is not a link to our unit", "move it away");
    return {
      action: "added",
      act() {
        makeFoldersAbove(unitWanted);
        symlinkSync(unitFile, unitWanted);
        syncFolder(dirname(unitWanted));
        if (isSystemdRunning()) requireSystemctl(["daemon-reload"]);
      },
    };
  },
};

/** A service that began before the program or its unit was changed is an older one, and is started again. */
const startStep: Step = {
  part: "service",
  subject: unitName,
  plan() {
    if (unitFileState() === "other") return notOurs;
    if (!isSystemdRunning()) return byHand("systemd does not run here; where it does, it starts with the machine");
    const state = unitState();
    if (state === null || state.active !== "active") {
      return { action: "started", act: restart };
    }
    const changedAt = Math.max(installedAtMs() ?? 0, lstatSync(unitFile, { throwIfNoEntry: false })?.ctimeMs ?? 0);
    if (state.mainPid !== null && !mayHaveBegunBefore(state.mainPid, changedAt)) return unchanged;
    return {
      action: "restarted",
      reason: "it ran what was there before",
      act: restart,
    };
  },
};

/** A moment later than the last change, so that it shows that the service began after it. */
function restart(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * clockErrorMs);
  requireSystemctl(["restart", unitName]);
}

const byHandStep: Step = {
  part: "service",
  subject: unitName,
  plan: () => byHand("there is no systemd here"),
};

/** A service that was started in another way is known by its answer. */
async function byHand(reason: string): Promise<Plan> {
  const version = await versionThatAnswers();
  if (version !== null && version === installedVersion()) return unchanged;
  const what = version === null ? reason : `${reason}; version ${version} runs, which is to be started again`;
  return {
    action: "told",
    reason: what,
    remedy: `have what starts services here run this as root: ${serviceByHand()}`,
  };
}

const stopStep: Step = {
  part: "service",
  subject: unitName,
  plan() {
    const state = unitState();
    if (unitFileState() === "other" || state === null || ["inactive", "failed"].includes(state.active))
      return unchanged;
    return { action: "stopped", act: () => requireSystemctl(["stop", unitName]) };
  },
};

/** Its record must not be taken from a service that goes on writing, nor its user from one that runs. */
const stillRunsStep: Step = {
  part: "service",
  subject: unitName,
  isNeeded: true,
  isQuiet: true,
  async plan() {
    const version = await versionThatAnswers();
    if (version === null) return unchanged;
    return refused(`still runs, as version ${version}`, "stop it where it was started, and run this again");
  },
};

/** Where systemd starts the service, the folder comes and goes with it. */
const removeRunFolderStep: Step = {
  part: "socket",
  subject: runFolder,
  isQuiet: true,
  plan() {
    if (!existsSync(runFolder)) return unchanged;
    return { action: "removed", act: () => rmSync(runFolder, { recursive: true }) };
  },
};

const removeWantedStep: Step = {
  part: "start at boot",
  subject: unitWanted,
  plan() {
    const stats = lstatSync(unitWanted, { throwIfNoEntry: false });
    if (stats === undefined || unitFileState() === "other") return unchanged;
    if (!stats.isSymbolicLink() || readlinkSync(unitWanted) !== unitFile)
      return { action: "kept", reason: "is not ours" };
    return {
      action: "removed",
      act: () => rmSync(unitWanted),
    };
  },
};

const removeUnitStep: Step = {
  part: "unit",
  subject: unitFile,
  plan() {
    const state = unitFileState();
    if (state === "missing") return unchanged;
    if (state === "other") return { action: "kept", reason: "is another unit, or was changed by hand" } satisfies Plan;
    return {
      action: "removed",
      act() {
        rmSync(unitFile);
        if (isSystemdRunning()) requireSystemctl(["daemon-reload"]);
      },
    };
  },
};

function requireSystemctl(args: readonly string[]): void {
  requireTool(findTool("systemctl") ?? "systemctl", args);
}
