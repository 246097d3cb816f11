/**
 * Owns who has how many files in the spool, and whose turn it is: each user is as good as any other, however many files one
 * of them leaves. Knows no file system.
 */
import type { NamedProcess } from "./state-file.ts";

/** What one user may have of the service at once. What is beyond is left where it is, until there is room for it. */
export interface SpoolLimits {
  /** Files that are followed: of open shells, and of those that wait to be recorded. */
  readonly filesPerUser: number;
  /** Bytes in those files. */
  readonly bytesPerUser: number;
  /** Shells that may be recorded without a pause. */
  readonly startsPerUser: number;
  /** How many more each second brings. */
  readonly startsPerSecond: number;
  /** Files that are put aside; further ones that are no shell's stay where they are. */
  readonly asidePerUser: number;
}

export const usualLimits: SpoolLimits = {
  filesPerUser: 4_096,
  bytesPerUser: 16 * 1024 * 1024,
  startsPerUser: 10_000,
  startsPerSecond: 1,
  asidePerUser: 100,
};

/** One file that is followed. */
export interface SpoolEntry {
  readonly name: string;
  readonly uid: number;
  readonly account: Account;
  /** As it was when it was looked at last. */
  size: number;
  inode: number;
  /** The process that it was found to be of; null before. */
  process: NamedProcess | null;
  /** The event that its start was recorded as, and the session; null before. */
  eventId: string | null;
  sessionId: string | null;
  hasSessionId: boolean;
  /** Whether it is no shell's file, and stays where it is. */
  isUnfit: boolean;
}

/** One user's files; those of all users that nobody knows are one account. */
export interface Account {
  readonly entries: Map<string, SpoolEntry>;
  /** Those that wait whose start is on record: what they tell is taken in any case. */
  readonly known: Set<SpoolEntry>;
  /** Those that wait to be recorded. */
  readonly waiting: Set<SpoolEntry>;
  bytes: number;
  /** Files that there was no room for when they were looked at last. */
  beyond: number;
  /** Files that were put aside since the service runs. */
  aside: number;
  allowance: number;
  allowanceAtMs: number;
}

export interface Accounts {
  entry(name: string): SpoolEntry | undefined;
  /** @returns the entry that follows the file from here on; null where its user has too many already */
  follow(name: string, uid: number, isKnownUser: boolean, size: number): SpoolEntry | null;
  /** Takes note of another size. */
  resize(entry: SpoolEntry, size: number): void;
  forget(name: string): void;
  /** Puts a file behind those of its user that wait. */
  wait(entry: SpoolEntry): void;
  /** @returns at most so many of those that wait and may be recorded, one of each user in turn; they wait no longer */
  take(most: number): readonly SpoolEntry[];
  /** @returns whether one more shell of this user may be recorded at this moment; then it is counted */
  allows(entry: SpoolEntry): boolean;
  /** All that are followed, one of each user in turn. */
  all(): readonly SpoolEntry[];
  /** Files without room are counted anew. */
  recount(): void;
  accounts(): Iterable<Account>;
}

/** Of all users that the machine's database does not know: one person may have many such ids (subuid(5)). */
const unknownUsers = -1;

/** @param nowMs - the monotonic clock */
export function createAccounts(limits: SpoolLimits, nowMs = () => performance.now()): Accounts {
  const byUser = new Map<number, Account>();
  const byName = new Map<string, SpoolEntry>();

  const accountOf = (key: number): Account => {
    const known = byUser.get(key);
    if (known !== undefined) return known;
    const account: Account = {
      entries: new Map(),
      known: new Set(),
      waiting: new Set(),
      bytes: 0,
      beyond: 0,
      aside: 0,
      allowance: limits.startsPerUser,
      allowanceAtMs: nowMs(),
    };
    byUser.set(key, account);
    return account;
  };

  const hasAllowance = (account: Account): boolean => {
    const now = nowMs();
    const gained = ((now - account.allowanceAtMs) / 1000) * limits.startsPerSecond;
    account.allowance = Math.min(limits.startsPerUser, account.allowance + gained);
    account.allowanceAtMs = now;
    return account.allowance >= 1;
  };
  /**
   * To read a file again and again that may not be recorded yet would cost the more, the more of them there are.
   *
   * @param taken - how many new ones of the account are in the same turn already
   */
  const nextOf = (account: Account, taken: number): SpoolEntry | undefined => {
    const [known] = account.known;
    if (known !== undefined || !hasAllowance(account) || taken + 1 > account.allowance) return known;
    const [waiting] = account.waiting;
    return waiting;
  };

  return {
    entry: (name) => byName.get(name),
    follow(name, uid, isKnownUser, size) {
      const account = accountOf(isKnownUser ? uid : unknownUsers);
      if (account.entries.size >= limits.filesPerUser || account.bytes + size > limits.bytesPerUser) {
        account.beyond += 1;
        return null;
      }
      const entry: SpoolEntry = {
        ...{ name, uid, account, size, inode: 0 },
        ...{ process: null, eventId: null, sessionId: null, hasSessionId: false, isUnfit: false },
      };
      account.entries.set(name, entry);
      account.bytes += size;
      byName.set(name, entry);
      return entry;
    },
    resize(entry, size) {
      entry.account.bytes += size - entry.size;
      entry.size = size;
    },
    forget(name) {
      const entry = byName.get(name);
      if (entry === undefined) return;
      byName.delete(name);
      entry.account.entries.delete(name);
      for (const set of [entry.account.waiting, entry.account.known]) set.delete(entry);
      entry.account.bytes -= entry.size;
    },
    wait(entry) {
      const { known, waiting } = entry.account;
      waiting.delete(entry);
      (entry.sessionId === null ? waiting : known).add(entry);
    },
    take(most) {
      const taken: SpoolEntry[] = [];
      const fresh = new Map<Account, number>();
      // One that had its turn goes behind the others, so that this loop, and the next call, go on with whom is next.
      for (let idle = 0; idle < byUser.size && taken.length < most; ) {
        const [[key, account] = [unknownUsers, accountOf(unknownUsers)]] = byUser;
        byUser.delete(key);
        byUser.set(key, account);
        const entry = nextOf(account, fresh.get(account) ?? 0);
        idle = entry === undefined ? idle + 1 : 0;
        if (entry === undefined) continue;
        for (const set of [account.waiting, account.known]) set.delete(entry);
        if (entry.sessionId === null) fresh.set(account, (fresh.get(account) ?? 0) + 1);
        taken.push(entry);
      }
      return taken;
    },
    allows({ account }) {
      if (!hasAllowance(account)) return false;
      account.allowance -= 1;
      return true;
    },
    all() {
      const lists = [...byUser.values()].map(({ entries }) => [...entries.values()]);
      const longest = Math.max(0, ...lists.map(({ length }) => length));
      const all: SpoolEntry[] = [];
      for (let at = 0; at < longest; at += 1) {
        for (const list of lists) if (list[at] !== undefined) all.push(list[at] as SpoolEntry);
      }
      return all;
    },
    recount() {
      for (const account of byUser.values()) account.beyond = 0;
    },
    accounts: () => byUser.values(),
  };
}
