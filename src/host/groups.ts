/** Owns who is in a group of this machine, wherever it keeps its groups (group(5), nsswitch.conf(5)). */
import { accountText, groupsIn, usersIn, usualFiles } from "./account-files.ts";
import { askTool } from "./tools.ts";

/** A user as the machine's user database knows it. */
export interface Member {
  readonly uid: number;
  readonly username: string;
}

export interface Groups {
  /**
   * The machine's own files are asked first; what they do not grant is asked of getent(1), which may ask a directory.
   *
   * @returns whether a user is named in a group or has it for its own; false where there is no such group, or nobody
   *   answers in time. Never throws.
   */
  has(group: string, user: Member): Promise<boolean>;
}

/** So long an answer of a directory counts, in which somebody may have been taken out of the group. */
const keptMs = 60_000;
/** Users of directories may be many. */
const mostKept = 10_000;
const longestMs = 2_000;

interface Answer {
  readonly atMs: number;
  readonly isMember: Promise<boolean>;
}

/** @param ask - asks getent(1); null where it knows nothing, or does not answer in time */
export function createGroups(files: AccountFiles = usualFiles, ask = askGetent): Groups {
  const answers = new Map<string, Answer>();
  return {
    async has(group, user) {
      if (isInGroup(user, group, files)) return true;
      const key = `${user.uid} ${user.username} ${group}`;
      const known = answers.get(key);
      const nowMs = performance.now();
      // Those who ask meanwhile wait for the same answer.
      if (known !== undefined && nowMs - known.atMs < keptMs) return known.isMember;
      if (answers.size >= mostKept) answers.clear();
      const isMember = isMemberElsewhere(user, group, ask);
      answers.set(key, { atMs: nowMs, isMember });
      return isMember;
    },
  };
}

type Ask = (...args: readonly string[]) => Promise<string | null>;

function askGetent(...args: readonly string[]): Promise<string | null> {
  return askTool("getent", args, longestMs);
}

async function isMemberElsewhere({ uid, username }: Member, name: string, ask: Ask): Promise<boolean> {
  // It would be taken for an option, or for a number.
  if (!/^[A-Za-z_]/.test(name)) return false;
  const group = groupsIn((await ask("group", name)) ?? "").find((found) => found.name === name);
  if (group === undefined) return false;
  if (username !== "" && group.members.includes(username)) return true;
  const own = usersIn((await ask("passwd", String(uid))) ?? "").find((user) => user.uid === uid);
  if (own === undefined || own.username !== username) return false;
  if (own.gid === group.gid) return true;
  // A directory need not name the members of a group, which may be in it by way of another one.
  const [named, ...gids] = ((await ask("initgroups", username)) ?? "").trim().split(/\s+/);
  return named === username && gids.includes(String(group.gid));
}

export interface AccountFiles {
  readonly group: string;
  readonly passwd: string;
}

/** @returns the same as far as the machine's own files say it */
export function isInGroup({ uid, username }: Member, name: string, files: AccountFiles = usualFiles): boolean {
  const group = groupsIn(accountText(files.group)).find((found) => found.name === name);
  if (group === undefined) return false;
  if (username !== "" && group.members.includes(username)) return true;
  return usersIn(accountText(files.passwd)).find((user) => user.uid === uid)?.gid === group.gid;
}
