/** Owns the part of the examination that is about the record: database, host id, what shells left behind. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type App, openApp, placeOfRecord } from "../app/app.ts";
import { createReconcile, deadlinesMs, type ReconcileReport } from "../capture/reconcile.ts";
import { stateFilesIn } from "../capture/state-folder.ts";
import type { Config } from "../config/config.ts";
import type { Paths } from "../config/paths.ts";
import { createLog } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Session } from "../tracker/fold.ts";
import { attempt, type Finding, failure, listed, note, ok, ours, problem, settled } from "./finding.ts";
import { type HookedShell, isByHook, recentSessions, shellsOnRecord } from "./hooked-shells.ts";

/** What was found, and which shells the record has from their hooks. */
export interface RecordFindings {
  readonly findings: readonly Finding[];
  readonly hooked: readonly HookedShell[];
}

/** Opens the store as any command would, finishes what was left behind, and looks at what became of recent shells. */
export async function examineRecord(config: Config, pid: number): Promise<RecordFindings> {
  const { paths } = config;
  // What shells have left behind makes a database, as any question does.
  const isFile = config.settings.store === null;
  const place = placeOfRecord(config);
  if (isFile && !existsSync(paths.database) && stateFilesIn(paths.stateFolder).length === 0)
    return alone(ok("database", `${paths.database} will be created at the first start`));
  const app = await settled(openApp(config, createLog({ toStandardError: false, file: config.settings.log_file })));
  if (app instanceof SessionBuddyError) return alone(failure("database", app));
  try {
    const problems = await app.store.problems();
    if (problems.length > 0) return alone(damaged(place, problems, isFile));
    const report = await createReconcile(app).reconcile(deadlinesMs.tick);
    return {
      findings: [
        ok("database", `${place} is sound`),
        ...(isFile ? unfinishedRestores(paths) : []),
        ...(await hostId(app)),
        ...(report === null ? [occupied(paths)] : unfinished(report, paths)),
        ...(await silentShells(app)),
      ],
      hooked: await shellsOnRecord(app, pid),
    };
  } catch (error) {
    return alone(failure("database", ours(error)));
  } finally {
    await app.close();
  }
}

function alone(finding: Finding): RecordFindings {
  return { findings: [finding], hooked: [] };
}

function damaged(database: string, problems: readonly string[], isFile: boolean): Finding {
  const words = `${database} is damaged: ${problems.join("; ")}`;
  const remedy = isFile
    ? "put a backup in its place with: session-buddy restore FILE; or move it away, and keep it for repair"
    : "restore what pg_dump made with pg_restore, into another database, and keep this one for repair";
  return problem("database", words, remedy);
}

/** A restore works in a copy beside the database, which one that was killed leaves there. */
function unfinishedRestores({ database }: Paths): Finding[] {
  // A database that is a link is restored where it leads.
  const target = realpathSync(database);
  const prefix = `${basename(target)}.restoring-`;
  const left = readdirSync(dirname(target)).filter((name) => name.startsWith(prefix));
  if (left.length === 0) return [];
  const paths = left.map((name) => join(dirname(target), name));
  return [
    note(
      "restore",
      `a restore is under way, or was killed and has left ${paths.join(", ")}`,
      "remove it where none is",
    ),
  ];
}

async function hostId({ machine, store, config }: App): Promise<Finding[]> {
  const { problem: words, repairedAt } = machine.hostIdState;
  if (words !== null)
    return [problem("host id", `${words}; no session is closed without it`, "see what it is, and move it away")];
  if (repairedAt === null) return [];
  const open = await store.sessions({ states: ["active"], hostname: machine.facts.hostname });
  const left = open.filter(({ process }) => process !== null && process.hostId !== machine.hostId).map(idOf);
  const made = `the host id ${config.paths.hostIdFile} held none, and was made anew at ${repairedAt}`;
  if (left.length === 0) return [note("host id", made, null)];
  return [
    note(
      "host id",
      `${made}; open since before, and not closed by themselves: ${listed(left)}`,
      "end those that are gone with: session-buddy end ID",
    ),
  ];
}

function occupied({ stateFolder }: Paths): Finding {
  const words = `another process is finishing what shells left in ${stateFolder}`;
  return note("state files", words, "run session-buddy doctor again");
}

function unfinished({ stuck, left, problem: words }: ReconcileReport, { stateFolder }: Paths): Finding[] {
  const entries = stuck.map(({ path, reason }) =>
    problem("stuck state file", `${path} ${reason}`, "see where it comes from, and remove it"),
  );
  if (words !== null) entries.push(problem("state files", words, "do what the message says"));
  if (left === 0) return entries;
  return [
    ...entries,
    note("state files", `${left} in ${stateFolder} are not on record yet`, "session-buddy reconcile"),
  ];
}

/** A shell that was never hooked cannot tell its end, and one that a restart ended had no time to. */
async function silentShells({ store }: App): Promise<Finding[]> {
  const silent: string[] = [];
  for (const session of await store.sessions({ limit: recentSessions })) {
    if (isSilentBash(session) && (await isByHook(session, store))) silent.push(idOf(session));
  }
  if (silent.length === 0) return [];
  return [
    note(
      "silent shells",
      `bash never reported the end of ${listed(silent)}: it was killed, or its EXIT trap was replaced`,
      "where nobody killed it, make sure that nothing after the session-buddy lines of your startup files sets or clears a trap on EXIT",
    ),
  ];
}

function isSilentBash({ shellType, state, endReason }: Session): boolean {
  return shellType === "bash" && state === "orphaned" && (endReason === "pid_gone" || endReason === "pid_reused");
}

function idOf({ sessionId }: Session): string {
  return sessionId;
}

/** What lies in the state folder by now. @param told - the files that another finding names */
export function stateFiles({ stateFolder }: Paths, told: readonly Finding[]): Finding[] {
  const names = existsSync(stateFolder) ? attempt(() => readdirSync(stateFolder)) : [];
  if (names instanceof SessionBuddyError) return [failure("state files", names)];
  const rejected = names.filter((name) => name.endsWith(".rejected"));
  const stuck = told.filter(({ check }) => check === "stuck state file");
  const isStuck = (name: string) => stuck.some(({ words }) => words.startsWith(`${join(stateFolder, name)} `));
  const open = names.filter((name) => !name.startsWith(".") && !name.endsWith(".rejected") && !isStuck(name));
  const isSettled = told.every(({ check }) => check !== "state files");
  const counted = isSettled ? [ok("state files", `${open.length} of open shells in ${stateFolder}`)] : [];
  if (rejected.length === 0) return counted;
  return [
    ...counted,
    problem(
      "rejected state files",
      `${rejected.length} files in ${stateFolder} are not state files: ${rejected.join(", ")}`,
      "find out where they come from, and remove them",
    ),
  ];
}
