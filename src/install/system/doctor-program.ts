/** Owns the examination of the program that is installed for the whole machine; nothing is said where nothing is. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type Finding, ok, problem } from "../finding.ts";
import { machinePlaces } from "./hook-steps.ts";
import { programLink } from "./places.ts";
import { runtimeName } from "./program-files.ts";
import { unitFileState } from "./service-steps.ts";
import { currentFolder } from "./versions.ts";

const check = "machine program";
const again = "have an administrator run: sudo session-buddy install --system";

/** @returns nothing where no part of an installation needs a program */
export function examineMachineProgram(): readonly Finding[] {
  const folder = currentFolder();
  if (folder !== null) return [program(folder)];
  const isNeeded = unitFileState() === "installed" || machinePlaces().length > 0;
  return isNeeded ? [problem(check, `there is no program in ${programLink}`, again)] : [];
}

function program(folder: string): Finding {
  try {
    for (const name of ["bin/session-buddy", runtimeName]) accessSync(join(folder, name), constants.X_OK);
    return ok(check, `${programLink} is for every user`);
  } catch (error) {
    return problem(check, `the program in ${programLink} cannot be run: ${(error as Error).message}`, again);
  }
}
