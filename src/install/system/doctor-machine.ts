/** Owns the examination of what is installed for the whole machine; nothing is said where nothing is. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type Finding, ok, problem } from "../finding.ts";
import { programLink, runFolder, socket, unitName } from "./places.ts";
import { versionThatAnswers } from "./service-answer.ts";
import { unitFileState, unitState } from "./service-steps.ts";
import { spoolStatus } from "./spool-status.ts";
import { serviceByHand } from "./unit.ts";
import { currentFolder } from "./versions.ts";

const again = "have an administrator run: sudo session-buddy install --system";

/** @returns a finding for each part; none where no part of an installation is there */
export async function examineMachine(): Promise<readonly Finding[]> {
  const [folder, spool] = [currentFolder(), spoolStatus()];
  if (folder === null && spool.state === "missing" && unitFileState() === "missing") return [];
  return [program(folder), spoolFinding(spool), await service()];
}

function program(folder: string | null): Finding {
  const check = "machine program";
  if (folder === null) return problem(check, `there is no program in ${programLink}`, again);
  try {
    for (const name of ["bin/session-buddy", "node_modules/node/bin/node"]) {
      accessSync(join(folder, name), constants.X_OK);
    }
    return ok(check, `${programLink} is for every user`);
  } catch (error) {
    return problem(check, `the program in ${programLink} cannot be run: ${(error as Error).message}`, again);
  }
}

function spoolFinding({ path, state, reason, remedy }: ReturnType<typeof spoolStatus>): Finding {
  const check = "machine spool";
  if (state === "in order") return ok(check, `every shell can leave its file in ${path}`);
  const words = state === "missing" ? `there is no ${path}` : `${path} ${reason}`;
  return problem(check, `${words}, so that shells are on record for their users alone`, remedy ?? again);
}

async function service(): Promise<Finding> {
  const check = "machine service";
  const version = await versionThatAnswers();
  if (version !== null) return ok(check, `version ${version} answers at ${socket}`);
  const state = unitState();
  const words = `nothing answers at ${socket}, so that files of shells wait in the spool`;
  if (state === null)
    return problem(check, words, `start it as root, with ${runFolder} for its socket: ${serviceByHand()}`);
  return problem(check, `${words}; systemd says that it is ${state.active}`, `look with: systemctl status ${unitName}`);
}
