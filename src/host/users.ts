/** Owns what this machine's user database says of a user id (passwd(5)), wherever it keeps its users (nsswitch.conf(5)). */
import { statSync } from "node:fs";
import { accountText, type UserEntry, usersIn, usualFiles } from "./account-files.ts";
import { askTool } from "./tools.ts";

/** A user of this machine. One that the database does not know has its number for a name, and no home. */
export interface User {
  readonly uid: number;
  readonly username: string;
  readonly home: string;
  /** Whether the database knows it. */
  readonly isKnown: boolean;
}

export interface Users {
  /** @returns what is known without asking anybody; null where it has to be looked up */
  cached(uid: number): User | null;
  /** Looks a user up, one at a time. Never throws. */
  lookUp(uid: number): Promise<User>;
}

const askTimeoutMs = 2_000;
/** Users come and go, and a directory may be out of reach for a moment. */
const keptMs = 600_000;
/** Whose each of many files is must not take a look at the database for each. */
const lookAgainMs = 1_000;
/** User ids that nobody knows can be had by the ten thousand (subuid(5)). */
const mostKept = 10_000;

interface Answer {
  readonly user: User;
  readonly atMs: number;
}

/** @param file - the users of this machine itself; others are asked of getent(1) */
export function createUsers(file: string = usualFiles.passwd): Users {
  const readLocal = createLocalUsers(file);
  const answers = new Map<number, Answer>();
  let last: Promise<unknown> = Promise.resolve();

  const cached = (uid: number): User | null => {
    const local = readLocal().get(uid);
    if (local !== undefined) return local;
    const answer = answers.get(uid);
    return answer !== undefined && performance.now() - answer.atMs < keptMs ? answer.user : null;
  };
  const ask = async (uid: number): Promise<User> => {
    const known = cached(uid);
    if (known !== null) return known;
    const user = (await askedOf(uid)) ?? { uid, username: String(uid), home: "", isKnown: false };
    if (answers.size >= mostKept) answers.clear();
    answers.set(uid, { user, atMs: performance.now() });
    return user;
  };
  return {
    cached,
    lookUp(uid) {
      const turn = last.then(() => ask(uid));
      last = turn.catch(() => {});
      return turn;
    },
  };
}

function createLocalUsers(file: string): () => ReadonlyMap<number, User> {
  let users: ReadonlyMap<number, User> = new Map();
  let readAt = "";
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    // A user who is missing is asked for elsewhere.
    if (performance.now() - lookedAtMs < lookAgainMs) return users;
    lookedAtMs = performance.now();
    const stats = statSync(file, { throwIfNoEntry: false });
    const mark = `${stats?.ino} ${stats?.mtimeMs} ${stats?.size}`;
    if (mark !== readAt) users = byNumber(accountText(file));
    readAt = mark;
    return users;
  };
}

/** Of two users with one number the first counts. */
function byNumber(text: string): ReadonlyMap<number, User> {
  return new Map(
    usersIn(text)
      .reverse()
      .map((entry) => [entry.uid, toUser(entry)]),
  );
}

function toUser({ uid, username, home }: UserEntry): User {
  return { uid, username, home, isKnown: true };
}

async function askedOf(uid: number): Promise<User | null> {
  const entry = usersIn((await askTool("getent", ["passwd", String(uid)], askTimeoutMs)) ?? "").find(
    (user) => user.uid === uid,
  );
  return entry === undefined ? null : toUser(entry);
}
