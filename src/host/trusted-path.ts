/**
 * Owns whether what lies at a path is what its user put there: each step on the way is looked at as the system follows it,
 * links too. Where no step is another user's, nobody else can put something else there between a look and a use.
 */
import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";

const groupMayWrite = 0o020;
const othersMayWrite = 0o002;
/** In such a folder, as /tmp is, nobody removes or renames what is another's. */
const stickyBit = 0o1000;
/** As many as Linux follows (path_resolution(7)). */
const mostLinks = 40;

/** Why another user could have put there what lies at a path. */
export interface PathIssue {
  /** Whether a step belongs to another user, or only its mode is wrong. */
  readonly isForeign: boolean;
  /** The rest of a sentence that begins with the path. */
  readonly words: string;
  readonly remedy: string;
}

/** Where a path leads. */
export interface Place {
  /** With no link left in it. */
  readonly path: string;
  /** Of what is there; null when there is nothing. */
  readonly stats: Stats | null;
  /** Null when nobody else could have put it there. */
  readonly issue: PathIssue | null;
}

/**
 * Follows a path as far as there is something. The owner and the mode of what is at its end are for the caller to judge.
 *
 * @param friend - user id of another owner whose steps are good too; none by default
 * @throws the file system's error
 */
export function follow(path: string, friend?: number): Place {
  // Whoever has the root folder has the whole system, so that one is not looked at.
  let at = "/";
  let stats: Stats | undefined;
  let links = 0;
  const names = stepsOf(path.startsWith("/") ? path : `${process.cwd()}/${path}`);
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const step = stepTo(at, name);
    stats = name === ".." ? undefined : lstatSync(step, { throwIfNoEntry: false });
    if (name === "..") at = step;
    else if (stats === undefined) return { path: join(step, ...names), stats: null, issue: null };
    else if (stats.isSymbolicLink()) {
      const issue = issueOfOwner(step, stats, friend);
      if (issue !== null) return { path: step, stats, issue };
      links += 1;
      if (links > mostLinks) throw new Error(`ELOOP: too many symbolic links, '${path}'`);
      const target = readlinkSync(step);
      if (target.startsWith("/")) at = "/";
      names.unshift(...stepsOf(target));
      stats = undefined;
    } else {
      const issue = names.length > 0 ? (issueOfOwner(step, stats, friend) ?? issueOfMode(step, stats)) : null;
      if (issue !== null) return { path: step, stats, issue };
      at = step;
    }
  }
  return { path: at, stats: stats ?? lstatSync(at), issue: null };
}

/** @returns whether what belongs to this user id is as good as one's own: it is one's own, or the administrator's */
export function isTrustedOwner(uid: number): boolean {
  const own = process.geteuid?.();
  return own === undefined || uid === own || uid === 0 || isUnknownRoot(uid);
}

/** @returns whether the mode lets anybody else write; a group that is the user's own is nobody else */
export function mayOthersWrite({ mode, gid }: Stats): boolean {
  return (mode & othersMayWrite) !== 0 || ((mode & groupMayWrite) !== 0 && !isOwnGroup(gid));
}

/** @returns the path as one word of a shell */
export function shellWord(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** What `join` gives for one name; that looks at every character of the path again, at each step of a start. */
function stepTo(at: string, name: string): string {
  if (name === "..") return dirname(at);
  return at === "/" ? `/${name}` : `${at}/${name}`;
}

function stepsOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function issueOfOwner(step: string, stats: Stats, friend: number | undefined): PathIssue | null {
  const { uid } = stats;
  if (isTrustedOwner(uid) || uid === friend) return null;
  const where = stats.isSymbolicLink() ? `lies behind the link ${step}` : `lies below ${step}`;
  return {
    isForeign: true,
    words: `${where}, which belongs to user id ${uid}, not to ${process.geteuid?.()}`,
    remedy: "name a place of your own",
  };
}

function issueOfMode(step: string, stats: Stats): PathIssue | null {
  const { mode } = stats;
  if (!stats.isDirectory() || !mayOthersWrite(stats) || (mode & stickyBit) !== 0) return null;
  const digits = (mode & 0o777).toString(8).padStart(4, "0");
  return {
    isForeign: false,
    words: `lies below ${step}, where other users may write (mode ${digits})`,
    remedy: `close it with: chmod go-w ${shellWord(step)}`,
  };
}

/** Many systems give each user a group that nobody else is in, and let it write. */
function isOwnGroup(gid: number): boolean {
  return gid === 0 || gid === process.getegid?.() || gid === groupOfUser();
}

function groupOfUser(): number | null {
  try {
    return userInfo().gid;
  } catch {
    return null;
  }
}

/**
 * In a user namespace, owners that it has no id for all show as one (user_namespaces(7)). Where the system's root is among
 * them, as in a container without privileges, the folders above a home are its.
 *
 * @returns whether this user id shows what belongs to the system's root
 */
export function isUnknownRoot(uid: number): boolean {
  try {
    if (uid !== Number(readFileSync("/proc/sys/kernel/overflowuid", "latin1"))) return false;
    const ranges = readFileSync("/proc/self/uid_map", "latin1").trim().split("\n");
    return !ranges.some((range) => Number(range.trim().split(/\s+/)[1]) === 0);
  } catch {
    return false;
  }
}
