/** Owns the steps that make and remove the system user of the service and its group, with what a distribution has for it. */
import { findGroup, findUser, type UserAccount } from "../../host/accounts.ts";
import { findTool, requireTool } from "../../host/tools.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { accountName, stateFolder } from "./places.ts";
import { type Plan, refused, type Step, unchanged } from "./step.ts";

/** The user and group ids of the service. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

type Command = readonly [program: string, args: readonly string[]];

/** What a shell is called that lets nobody in. */
const noLogin = /\/(?:nologin|false)$/;

/** @returns null when the user or the group is still to be made */
export function findAccount(): Account | null {
  const user = findUser(accountName);
  const gid = findGroup(accountName);
  return user === null || gid === null ? null : { uid: user.uid, gid };
}

/**
 * @returns the user of the service, and where its record lies
 * @throws SessionBuddyError `usage` when there is none
 */
export function serviceAccount() {
  const account = findAccount();
  if (account !== null) return { ...account, name: accountName, home: stateFolder };
  throw new SessionBuddyError("usage", `there is no user ${accountName}; 'session-buddy install --system' makes it`);
}

export const accountStep: Step = {
  part: "system user",
  subject: accountName,
  isNeeded: true,
  plan() {
    const user = findUser(accountName);
    if (user !== null) return judged(user);
    const group = findGroup(accountName) === null ? firstOf(groupMakers) : null;
    const maker = firstOf(userMakers(findTool("nologin") ?? "/bin/false"));
    if (maker === null || (group === null && findGroup(accountName) === null)) return noTool("useradd or adduser");
    return added([group, maker]);
  },
};

export const removeAccountStep: Step = {
  part: "system user",
  subject: accountName,
  plan() {
    const user = findUser(accountName);
    if (user === null && findGroup(accountName) === null) return unchanged;
    const plan = user === null ? unchanged : judged(user);
    if (plan.action === "refused") return plan;
    const [userRemover, groupRemover] = [firstOf(userRemovers), firstOf(groupRemovers)];
    if (userRemover === null || groupRemover === null) return noTool("userdel or deluser");
    return {
      action: "removed",
      act() {
        if (findUser(accountName) !== null) requireTool(...userRemover);
        // userdel(8) may have removed the group with it.
        if (findGroup(accountName) !== null) requireTool(...groupRemover);
      },
    };
  },
};

const groupMakers: readonly Command[] = [
  ["groupadd", ["--system", accountName]],
  ["addgroup", ["-S", accountName]],
];
const userRemovers: readonly Command[] = [
  ["userdel", [accountName]],
  ["deluser", [accountName]],
];
const groupRemovers: readonly Command[] = [
  ["groupdel", [accountName]],
  ["delgroup", [accountName]],
];

/** With the programs of most distributions (useradd(8)), or with BusyBox's. */
function userMakers(shell: string): readonly Command[] {
  const home = ["--no-create-home", "--home-dir", stateFolder];
  return [
    ["useradd", ["--system", "--gid", accountName, ...home, "--shell", shell, accountName]],
    ["adduser", ["-S", "-D", "-H", "-h", stateFolder, "-s", shell, "-G", accountName, accountName]],
  ];
}

function added(commands: readonly (Command | null)[]): Plan {
  return {
    action: "added",
    reason: "with a group of its own and without a login",
    act() {
      for (const command of commands) if (command !== null) requireTool(...command);
    },
  };
}

/** @returns the first command whose program is here, with the path of that */
function firstOf(commands: readonly Command[]): Command | null {
  for (const [name, args] of commands) {
    const path = findTool(name);
    if (path !== null) return [path, args];
  }
  return null;
}

function noTool(names: string): Plan {
  return refused(`there is no ${names} here`, `make or remove the user and the group ${accountName} by hand`);
}

/** Somebody may have the name already; the record must not become that person's. */
function judged({ uid, gid, shell }: UserAccount): Plan {
  if (uid === 0)
    return refused("is root by another name", `give that user another name: usermod -l NAME ${accountName}`);
  if (!noLogin.test(shell)) {
    const remedy = `if it is nobody's, close it with: usermod -s /usr/sbin/nologin ${accountName}`;
    return refused(`is a user who can log in (user id ${uid}, shell ${shell})`, remedy);
  }
  const group = findGroup(accountName);
  if (gid === group) return unchanged;
  return refused(
    "has not the group of its name",
    `groupadd --system ${accountName}; usermod -g ${accountName} ${accountName}`,
  );
}
