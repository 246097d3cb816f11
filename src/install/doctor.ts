/** Owns the examination of an installation: what is wrong, and what to do about it. For the doctor command alone. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type App, openApp } from "../app/app.ts";
import { openCredentials } from "../auth/credentials.ts";
import { createReconcile, deadlinesMs, type ReconcileReport } from "../capture/reconcile.ts";
import { type Config, resolveConfig } from "../config/config.ts";
import { credentialSources, type Environment } from "../config/environment.ts";
import { type Paths, resolvePaths } from "../config/paths.ts";
import { isPrivateFolder } from "../host/private-folder.ts";
import { follow } from "../host/trusted-path.ts";
import { createLog } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type HookOptions, hookStates, usualShells } from "./hooks.ts";
import { trapsAfterBlock } from "./rc-block.ts";

/** One thing that was looked at. */
export interface Finding {
  /** Stable name of the check, for programs. */
  readonly check: string;
  /** `note`: nothing is broken, but a person may want to know. */
  readonly level: "ok" | "note" | "problem";
  readonly words: string;
  /** What to do; null when there is nothing to do. */
  readonly remedy: string | null;
}

/** How many of the latest sessions are looked at for shells that never tell their end. */
const recentSessions = 200;

/** Examines everything; one check that fails never hides another. */
export async function examine(env: Environment, hooks: HookOptions): Promise<Finding[]> {
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
  // What lies in a folder that cannot be used is not a second problem.
  if (data.level === "ok" && !(config instanceof SessionBuddyError)) {
    const found = await record(config);
    findings.push(...found.filter(({ words }) => words !== state.words));
  }
  if (state.level === "ok") findings.push(...stateFiles(paths));
  return [...findings, ...shellHooks(hooks)];
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
  if (exists instanceof SessionBuddyError) return failure(purpose, exists, "do what the message says");
  return ok(purpose, exists ? `${path} is yours alone` : `${path} will be created when it is needed`);
}

async function secret(env: Environment): Promise<Finding> {
  const found = await settled(openCredentials(credentialSources(env)));
  if (found instanceof SessionBuddyError) return failure("secret", found, "do what the message says");
  if (found === null)
    return ok("secret", "authentication is off: no secret and no keys are set; calls over MCP need no token");
  const { signing, verifying } = found;
  const signs = signing === null ? "nothing here signs tokens" : `${signing.name} signs tokens`;
  return ok(
    "secret",
    `authentication is on: ${signs}; they are verified with ${verifying.map(({ name }) => name).join(", ")}`,
  );
}

/** Opens the store as any command would, finishes what was left behind, and looks at what became of recent shells. */
async function record(config: Config): Promise<Finding[]> {
  if (!existsSync(config.paths.database))
    return [ok("database", `${config.paths.database} will be created at the first start`)];
  const app = await settled(openApp(config, createLog({ toStandardError: false, file: config.settings.log_file })));
  if (app instanceof SessionBuddyError) return [failure("database", app, "do what the message says")];
  try {
    const problems = await app.store.problems();
    if (problems.length > 0) {
      return [
        problem(
          "database",
          `${config.paths.database} is damaged: ${problems.join("; ")}`,
          "keep a copy for repair, and move it away",
        ),
      ];
    }
    const report = await createReconcile(app).reconcile(deadlinesMs.tick);
    const recent = await app.store.sessions({ limit: recentSessions });
    const silent = recent.filter(({ shellType, endReason }) => shellType === "bash" && endReason === "pid_gone");
    const database = ok("database", `${config.paths.database} is sound`);
    const found = [database, ...hostId(app.machine.hostIdState), ...(report === null ? [] : unfinished(report))];
    return silent.length === 0 ? found : [...found, silentShells(silent.length)];
  } catch (error) {
    return [failure("database", ours(error), "do what the message says")];
  } finally {
    await app.close();
  }
}

function hostId({ problem: words, repairedAt }: App["machine"]["hostIdState"]): Finding[] {
  if (words !== null)
    return [problem("host id", `${words}; no session is closed without it`, "see what it is, and move it away")];
  if (repairedAt === null) return [];
  return [
    {
      check: "host id",
      level: "note",
      words: `the file with the host id held none, and was made anew at ${repairedAt}; sessions that were open then are not closed by themselves`,
      remedy: "end those that are gone with: session-buddy end ID",
    },
  ];
}

function unfinished({ stuck, left, problem: words }: ReconcileReport): Finding[] {
  const entries = stuck.map(({ path, reason }) =>
    problem("stuck state file", `${path} ${reason}`, "see where it comes from, and remove it"),
  );
  if (words !== null) entries.push(problem("state files", words, "do what the message says"));
  if (left === 0) return entries;
  const waiting = `${left} state files are not on record yet`;
  return [...entries, { check: "state files", level: "note", words: waiting, remedy: "session-buddy reconcile" }];
}

function silentShells(count: number): Finding {
  return {
    check: "silent shells",
    level: "note",
    words: `${count} of the latest ${recentSessions} sessions belong to a bash that is gone and never reported its end: it was killed, or its EXIT trap was replaced`,
    remedy: "make sure that nothing after the session-buddy lines of your startup files sets or clears a trap on EXIT",
  };
}

function stateFiles({ stateFolder }: Paths): Finding[] {
  const names = existsSync(stateFolder) ? attempt(() => readdirSync(stateFolder)) : [];
  if (names instanceof SessionBuddyError) return [failure("state files", names, "do what the message says")];
  const rejected = names.filter((name) => name.endsWith(".rejected"));
  const open = names.filter((name) => !name.startsWith(".") && !name.endsWith(".rejected"));
  const counted = ok("state files", `${open.length} of open shells`);
  if (rejected.length === 0) return [counted];
  return [
    counted,
    problem(
      "rejected state files",
      `${rejected.length} files in ${stateFolder} are not state files: ${rejected.join(", ")}`,
      "find out where they come from, and remove them",
    ),
  ];
}

function shellHooks(hooks: HookOptions): Finding[] {
  const states = hookStates(hooks).filter(({ kind }) => kind === "hook");
  const installed = states.filter(({ state }) => state !== "missing");
  if (installed.length === 0) {
    const shells = usualShells(hooks.folders).join(" ");
    return [
      {
        check: "hooks",
        level: "note",
        words: "no shell loads the hook",
        remedy: `session-buddy hook install ${shells}`.trim(),
      },
    ];
  }
  return installed.flatMap(({ shell, file, state, reason }) => {
    if (state !== "installed")
      return [problem(`hook ${shell}`, `${file} ${reason ?? state}`, `session-buddy hook install ${shell}`)];
    const found = ok(`hook ${shell}`, `${file} loads it`);
    const traps = shell === "bash" ? trapsAfterBlock(readFileSync(file, "utf8")) : [];
    return traps.length === 0 ? [found] : [found, displacedTrap(file, traps)];
  });
}

function displacedTrap(file: string, lines: readonly number[]): Finding {
  return problem(
    "EXIT trap",
    `${file} sets a trap on EXIT after our lines (line ${lines.join(", ")}), which replaces the one that tells how a shell ended`,
    "move the session-buddy lines to the end of the file",
  );
}

function ok(check: string, words: string): Finding {
  return { check, level: "ok", words, remedy: null };
}

function problem(check: string, words: string, remedy: string): Finding {
  return { check, level: "problem", words, remedy };
}

function failure(check: string, error: SessionBuddyError, remedy: string): Finding {
  return problem(check, error.message, remedy);
}

function attempt<T>(work: () => T): T | SessionBuddyError {
  try {
    return work();
  } catch (error) {
    return ours(error);
  }
}

function settled<T>(work: Promise<T>): Promise<T | SessionBuddyError> {
  return work.catch(ours);
}

/** What is not ours is a finding too; only here, where the whole task is to say what is wrong. */
function ours(error: unknown): SessionBuddyError {
  if (error instanceof SessionBuddyError) return error;
  return new SessionBuddyError("storage.unavailable", error instanceof Error ? error.message : String(error));
}
