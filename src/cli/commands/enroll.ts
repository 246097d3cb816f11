/** `session-buddy enroll`, `unenroll` and `host rotate`: as whom this record is known to another. */
import { resolve } from "node:path";
import { runAsService } from "../../app/as-service.ts";
import { type Enrolled, type EnrolTarget, enrolHere, leave, planEnrolment, rotateHostKey } from "../../app/enrol.ts";
import { type Config, resolveConfig } from "../../config/config.ts";
import { machinePlace } from "../../config/machine-place.ts";
import { addTimer, removeTimer, type TimerChange } from "../../install/deliver-timer.ts";
import { programPath } from "../../install/program.ts";
import { serviceAccount } from "../../install/system/account.ts";
import { escapeControls } from "../../wire/escape.ts";
import { readSecret } from "../input/token-source.ts";
import type { EnrollOptions, HostRotateOptions, UnenrollOptions } from "../syntax/hosts.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";

export async function run(url: string, options: EnrollOptions): Promise<void> {
  const config = await resolveConfig(process.env);
  const target: EnrolTarget = {
    url,
    pin: options.pin ?? null,
    caFile: options.caFile === undefined ? null : resolve(options.caFile),
    name: options.name,
  };
  const isOfMachine = isForMachine(config, options.personal);
  if (!isOfMachine) tellPlan(planEnrolment(config, target).url, "this record");
  else tellPlan(url, "the record of this machine");
  const ticket = await readSecret("invitation");
  if (isOfMachine) {
    const args = ["enroll", url, ...argumentsOf(target), ...common(options)];
    if (!(await runAsMachine(args, `${ticket}\n`))) return;
  } else {
    const enrolled = await enrolHere(config, target, ticket);
    if (options.json) printJson(toRow(enrolled));
    else printEnrolled(enrolled);
  }
  if (options.timer) tellTimer(addTimer(isOfMachine ? "machine" : "user", process.env, programPath()), options.json);
}

export async function runUnenroll(name: string | undefined, options: UnenrollOptions): Promise<void> {
  const config = await resolveConfig(process.env);
  if (isForMachine(config, options.personal)) {
    const done = await runAsMachine(["unenroll", ...(name === undefined ? [] : [name]), ...common(options)], "");
    if (done) tellTimer(removeTimer("machine", process.env), options.json);
    return;
  }
  const { name: gone, left } = leave(config, name);
  if (options.json) printJson({ destination: gone, left });
  else printLine(escapeControls(`Nothing more is sent to ${gone}; its key is forgotten.`));
  // The process of the machine's service may not write where its timer is.
  if (left === 0) tellTimer(removeTimer("user", process.env), options.json);
}

export async function runRotate(name: string | undefined, options: HostRotateOptions): Promise<void> {
  const config = await resolveConfig(process.env);
  if (isForMachine(config, options.personal)) {
    await runAsMachine(["host", "rotate", ...(name === undefined ? [] : [name]), ...common(options)], "");
    return;
  }
  const rotated = await rotateHostKey(config, name);
  if (options.json) printJson(toRow(rotated));
  else printLine(escapeControls(`${rotated.destination} knows this record by a new key.`));
}

/** Root, where the machine has a record, means that one. */
function isForMachine(config: Config, personal: boolean | undefined): boolean {
  return !personal && process.geteuid?.() === 0 && machinePlace(config) !== null;
}

/** @returns whether it was done; what it said is printed */
async function runAsMachine(args: readonly string[], input: string): Promise<boolean> {
  const { status, stdout, stderr } = await runAsService(serviceAccount(), {
    program: programPath(),
    args,
    input,
    env: process.env,
  });
  // What is printed there is escaped there; that process could have written anything else.
  for (const line of stdout.split("\n").slice(0, -1)) printLine(escapeControls(line));
  for (const line of stderr.split("\n").slice(0, -1)) if (!isPlan(line)) printMessage(`${escapeControls(line)}\n`);
  process.exitCode = status;
  return status === 0;
}

function argumentsOf({ pin, caFile, name }: EnrolTarget): string[] {
  return [
    ...(pin === null ? [] : ["--pin", pin]),
    ...(caFile === null ? [] : ["--ca-file", caFile]),
    ...(name === undefined ? [] : ["--name", name]),
    "--no-timer",
  ];
}

function common({ json }: { readonly json?: boolean | undefined }): string[] {
  return ["--personal", ...(json ? ["--json"] : [])];
}

const planned = "What is there and what comes is sent to ";

function tellPlan(url: string, which: string): void {
  printMessage(
    escapeControls(
      `${planned}${url} from ${which}: who has or had a shell open, on which host, in which directory, from when to when, and how it ended.`,
    ).concat("\n"),
  );
}

function isPlan(line: string): boolean {
  return line.startsWith(planned);
}

function toRow({ destination, url, origin, name, username }: Enrolled) {
  return { destination, url, origin, name, username };
}

function printEnrolled({ destination, url, origin, name, username }: Enrolled): void {
  const whose = username === null ? "everybody" : `${username} alone`;
  printLine(escapeControls(`Enrolled at ${url} as ${name}, for the sessions of ${whose}.`));
  printLine(escapeControls(`The destination is called ${destination} here, this record ${origin} there.`));
}

function tellTimer({ words }: TimerChange, json: boolean | undefined): void {
  if (words === null) return;
  if (json) printMessage(`session-buddy: ${escapeControls(words)}\n`);
  else printLine(escapeControls(words));
}
