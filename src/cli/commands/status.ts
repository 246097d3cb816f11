/** `session-buddy status`: which records there are, whether the service runs, and which shells have their hook. */
import { programFolder } from "../../install/program.ts";
import { type ServiceStatus, type Status, statusOf } from "../../install/system/status.ts";
import type { StatusOptions } from "../syntax/machine.ts";
import { printWrapped } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";

export async function run(options: StatusOptions): Promise<void> {
  const status = await statusOf(process.env, programFolder());
  if (options.json) return printJson(toJson(status));
  printWrapped(factsOf(status));
  if (status.hooks.length === 0) return;
  printLine("");
  const rows = status.hooks.map(({ shell, scope, file, state, reason }) => [
    shell,
    scope === "machine" ? "everybody" : "yours",
    state,
    reason === null ? file : `${file} ${reason}`,
  ]);
  printWrapped([["SHELL", "WHOSE", "STATE", "FILE"], ...rows]);
}

function factsOf({ personal, machine, program, service, spool }: Status): string[][] {
  const isInstalled = program.version !== null;
  const facts = [
    ["your record", personal.exists ? personal.database : `none yet (${personal.database})`],
    ["open shells in it", String(personal.openShells)],
    ["machine's record", isInstalled || machine.exists === true ? machine.database : "not installed"],
  ];
  if (!isInstalled && service.unitFile === "missing" && spool.state === "missing") return facts;
  return [
    ...facts,
    ["open shells in it", machine.openShells === null ? "only root may count them" : String(machine.openShells)],
    ["program", isInstalled ? `${program.version} in ${program.path}` : `missing (${program.path})`],
    ["service", serviceWords(service)],
    ["spool", `${spool.state} (${spool.path}${spool.reason === null ? "" : ` ${spool.reason}`})`],
  ];
}

function serviceWords({ unitFile, active, answers, version, isCurrent, socket }: ServiceStatus): string {
  const unit = {
    missing: "no unit",
    installed: "",
    differs: "unit of another version",
    other: "a unit that is not ours",
  };
  const runs = answers ? `answers as version ${version} at ${socket}` : `does not answer at ${socket}`;
  const old = isCurrent === false ? "began before the program was updated" : "";
  return [active ?? "", runs, unit[unitFile], old].filter((word) => word !== "").join(", ");
}

function toJson({ personal, machine, program, service, spool, hooks }: Status) {
  return {
    personal: { database: personal.database, exists: personal.exists, open_shells: personal.openShells },
    machine: { database: machine.database, exists: machine.exists, open_shells: machine.openShells },
    program,
    service: {
      unit: service.unit,
      socket: service.socket,
      unit_file: service.unitFile,
      active: service.active,
      answers: service.answers,
      version: service.version,
      is_current: service.isCurrent,
    },
    spool,
    hooks,
  };
}
