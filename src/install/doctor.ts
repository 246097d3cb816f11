/** Owns the examination of an installation: what is wrong, and what to do about it. */
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { openCredentials } from "../auth/credentials.ts";
import { resolveConfig } from "../config/config.ts";
import { credentialSources, type Environment } from "../config/environment.ts";
import { type Paths, resolvePaths } from "../config/paths.ts";
import { isPrivateFolder } from "../host/private-folder.ts";
import { follow, shellWord } from "../host/trusted-path.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { examineFrom } from "./doctor-from.ts";
import { examineRecord, stateFiles } from "./doctor-record.ts";
import { examineSpool } from "./doctor-spool.ts";
import { attempt, type Finding, failure, note, ok, problem, settled } from "./finding.ts";
import { bestProofs, type HookedShell, shellsByFile, withProofs } from "./hooked-shells.ts";
import { type HookOptions, hookStates, type PlaceState, usualShells } from "./hooks.ts";
import { trapsAfterBlock } from "./rc-block.ts";
import { examineMachine } from "./system/doctor-machine.ts";
import { machinePlaces } from "./system/hook-steps.ts";

/**
 * Examines everything; one check that fails never hides another.
 *
 * @param pid - the process that asks
 */
export async function examine(env: Environment, hooks: HookOptions, pid: number): Promise<Finding[]> {
  const findings: Finding[] = [runtime(), program(hooks.programFolder)];
  const paths = attempt(() => resolvePaths(env));
  if (paths instanceof SessionBuddyError)
    return [...findings, failure("folders", paths, "set HOME to your home folder")];
  const home = homeOfAnother(paths);
  // Nothing in there is looked at.
  if (home !== null) return [...findings, home, await secret(env)];
  const data = folder("data folder", paths.dataFolder);
  const state = folder("state folder", paths.stateFolder);
  findings.push(data, state, await secret(env));
  const config = await settled(resolveConfig(env));
  const settings =
    config instanceof SessionBuddyError
      ? failure("settings", config, "fix the file or the variable it names")
      : ok("settings", "the settings can be used");
  findings.push(settings);
  if (!(config instanceof SessionBuddyError)) {
    findings.push(...(await examineSpool(config)), ...(await examineFrom(config, env, packageJson.version)));
  }
  const hooked: HookedShell[] = [];
  // What lies in a folder that cannot be used is not a second problem.
  if (data.level === "ok" && !(config instanceof SessionBuddyError)) {
    const found = await examineRecord(config, pid);
    findings.push(...found.findings.filter(({ words }) => words !== state.words));
    hooked.push(...found.hooked);
  }
  if (state.level === "ok") {
    findings.push(...stateFiles(paths, findings));
    hooked.push(...(await shellsByFile(paths, pid)));
  }
  return [...findings, ...(await examineMachine()), ...shellHooks(hooks, hooked)];
}

function runtime(): Finding {
  return ok("runtime", `Node.js ${process.versions.node} at ${process.execPath}`);
}

function program(folder: string): Finding {
  const path = join(folder, "bin/session-buddy");
  try {
    accessSync(path, constants.X_OK);
    return ok("program", path);
  } catch {
    return problem("program", `${path} cannot be run, so no hook reaches the record`, "install session-buddy again");
  }
}

/** Root with a user's home, as under `sudo -E`. */
function homeOfAnother({ dataFolder, stateFolder, settingsFile }: Paths): Finding | null {
  if (process.geteuid?.() !== 0) return null;
  const foreign = [dataFolder, stateFolder, settingsFile]
    .map((path) => ({ path, place: attempt(() => follow(path)) }))
    .flatMap(({ path, place }) =>
      !(place instanceof SessionBuddyError) && place.issue?.isForeign ? [`${path} ${place.issue.words}`] : [],
    );
  if (foreign[0] === undefined) return null;
  return problem(
    "home",
    `a shell of root is on no record here: ${foreign[0]}`,
    "open it with root's own home (sudo -H or sudo -i), or set SESSION_BUDDY_HOME",
  );
}

function folder(purpose: string, path: string): Finding {
  const exists = attempt(() => isPrivateFolder(path, purpose));
  if (exists instanceof SessionBuddyError) return failure(purpose, exists);
  if (!exists) return ok(purpose, `${path} will be created when it is needed`);
  const closed = attempt(() => accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK));
  if (closed instanceof SessionBuddyError)
    return problem(
      purpose,
      `the ${purpose} ${path} cannot be written`,
      `open it for yourself: chmod 700 ${shellWord(path)}`,
    );
  return ok(purpose, `${path} is yours alone`);
}

async function secret(env: Environment): Promise<Finding> {
  const found = await settled(openCredentials(credentialSources(env)));
  if (found instanceof SessionBuddyError) return failure("secret", found);
  if (found === null)
    return ok("secret", "authentication is off: no secret and no keys are set; calls over MCP need no token");
  const { signing, verifying } = found;
  const signs = signing === null ? "nothing here signs tokens" : `${signing.name} signs tokens`;
  return ok(
    "secret",
    `authentication is on: ${signs}; they are verified with ${verifying.map(({ name }) => name).join(", ")}`,
  );
}

function shellHooks(hooks: HookOptions, hooked: readonly HookedShell[]): Finding[] {
  const machine = machinePlaces();
  const states = withProofs([...hookStates(hooks), ...machine], bestProofs(hooked)).filter(
    ({ kind }) => kind === "hook",
  );
  const loading = states.filter(({ state }) => state !== "missing");
  const isOfMachine = ({ file }: PlaceState) => machine.some((one) => one.file === file);
  if (loading.length > 0) {
    return loading.flatMap((one) =>
      hookFindings(one, isOfMachine(one) ? "sudo session-buddy hook install --system" : null),
    );
  }
  const shells = usualShells(hooks.folders).join(" ");
  return [note("hooks", "no shell loads the hook", `session-buddy hook install ${shells}`.trim())];
}

/** @param remedy - what mends it; null: what mends a person's own file */
function hookFindings({ shell, file, state, reason }: PlaceState, remedy: string | null): Finding[] {
  const check = `hook ${shell}`;
  if (state === "elsewhere") return [ok(check, reason ?? state)];
  if (state !== "installed")
    return [problem(check, `${file} ${reason ?? state}`, remedy ?? `session-buddy hook install ${shell}`)];
  const traps = shell === "bash" ? trapsAfterBlock(readFileSync(file, "utf8")) : [];
  const found = ok(check, `${file} loads it`);
  return traps.length === 0 ? [found] : [found, displacedTrap(file, traps)];
}

function displacedTrap(file: string, lines: readonly number[]): Finding {
  return problem(
    "EXIT trap",
    `${file} sets a trap on EXIT after our lines (line ${lines.join(", ")}), which replaces the one that tells how a shell ended`,
    "move the session-buddy lines to the end of the file",
  );
}
