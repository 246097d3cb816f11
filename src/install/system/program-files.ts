/**
 * Owns which files make up the program, and whether they may be installed for everybody: everything that root's and all
 * users' shells will run must be root's, with no step on the way that somebody else could change.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { findTool } from "../../host/tools.ts";
import { follow, mayOthersWrite, shellWord } from "../../host/trusted-path.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { programFolder } from "../program.ts";

/** One file of the program. */
export interface ProgramFile {
  /** Below the folder of the program. */
  readonly name: string;
  /** Where it is copied from; null for a link. */
  readonly source: string | null;
  /** What a link leads to. */
  readonly target: string | null;
  readonly isExecutable: boolean;
}

/** The launcher looks here for the Node.js that it runs; a link to the machine's own where that is new enough. */
export const runtimeName = "node_modules/node/bin/node";
const oldestMajor = 24;
const parts = ["bin/session-buddy", "dist", "shell-hooks"];
const perhaps = ["LICENSE"];

/**
 * @returns the files of the program that runs
 * @throws SessionBuddyError `invalid` when somebody else could change one of them
 */
export function programFiles(): readonly ProgramFile[] {
  const folder = realpathSync(programFolder());
  const { issue } = follow(join(folder, "bin/session-buddy"));
  if (issue !== null) throw refusal(folder, issue.words);
  const there = perhaps.filter((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined);
  return [...parts, ...there].flatMap((name) => filesAt(folder, join(folder, name))).concat(runtime(folder));
}

/** @returns the files of a version that is installed; none when one cannot be read */
export function filesOfVersion(folder: string): readonly ProgramFile[] {
  try {
    return withNames(folder, namesBelow(folder));
  } catch {
    return [];
  }
}

/** @returns what tells one version from another: names, kinds and content of all files */
export function digestOf(files: readonly ProgramFile[]): string {
  const hash = createHash("sha256");
  for (const { name, source, target, isExecutable } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const content = source === null ? `-> ${target}` : contentDigest(source);
    hash.update(JSON.stringify([name, isExecutable, content]));
  }
  return hash.digest("hex").slice(0, 12);
}

function contentDigest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function filesAt(folder: string, path: string): ProgramFile[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new SessionBuddyError(
      "invalid",
      `the program is not whole: there is no ${path}; run 'npm ci' in its checkout`,
    );
  if (stats.uid !== 0) throw refusal(folder, `${path} belongs to user id ${stats.uid}`);
  if (!stats.isSymbolicLink() && mayOthersWrite(stats)) throw refusal(folder, `other users may write to ${path}`);
  if (stats.isDirectory()) return readdirSync(path).flatMap((name) => filesAt(folder, join(path, name)));
  if (!stats.isFile()) throw refusal(folder, `${path} is not a regular file`);
  return [{ name: relative(folder, path), source: path, target: null, isExecutable: (stats.mode & 0o100) !== 0 }];
}

function refusal(folder: string, words: string): SessionBuddyError {
  const place = "/usr/local/src/session-buddy";
  return new SessionBuddyError(
    "invalid",
    `the program in ${folder} is not root's alone (${words}), and root and all users would run it; copy it to a place of root's and build it there: cp -R ${shellWord(folder)} ${place} && chown -R root: ${place} && chmod -R go-w ${place} && cd ${place} && npm ci && bin/session-buddy install --system`,
  );
}

/** Links are not followed. */
function namesBelow(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    return entry.isDirectory() ? namesBelow(folder, name) : [name];
  });
}

function withNames(folder: string, names: readonly string[]): ProgramFile[] {
  return names.map((name): ProgramFile => {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return { name, source: null, target: readlinkSync(path), isExecutable: true };
    return { name, source: path, target: null, isExecutable: (stats.mode & 0o100) !== 0 };
  });
}

/** The machine's Node.js is updated with the machine; without one that is new enough, the one that runs is copied. */
function runtime(folder: string): ProgramFile {
  const own = findTool("node");
  if (own !== null && isGoodRuntime(own)) return { name: runtimeName, source: null, target: own, isExecutable: true };
  const path = realpathSync(process.execPath);
  const { issue } = follow(path);
  if (issue !== null) throw refusal(folder, `its Node.js ${path} ${issue.words}`);
  const [file] = filesAt(folder, path);
  if (file === undefined) throw refusal(folder, `its Node.js ${path} is not a file`);
  return { ...file, name: runtimeName };
}

function isGoodRuntime(path: string): boolean {
  const { issue, stats } = follow(path);
  if (issue !== null || stats === null || stats.uid !== 0 || mayOthersWrite(stats)) return false;
  try {
    const version = execFileSync(path, ["--version"], {
      encoding: "utf8",
      env: {},
      stdio: ["ignore", "pipe", "ignore"],
    });
    return Number(/^v(\d+)\./.exec(version)?.[1]) >= oldestMajor;
  } catch {
    return false;
  }
}
