/**
 * Owns logging in on one machine, without a password and without a token to keep: whoever can make a file in the spool is
 * its owner, as the kernel says, and whoever knows the secret whose hash is in it has made it.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { refusal } from "../auth/refusal.ts";
import type { ServiceTokens } from "../auth/service-tokens.ts";
import { createGroups, type Groups } from "../host/groups.ts";
import { removeOldLogins, takeLoginFile } from "../host/login-file.ts";
import { createUsers, type Users } from "../host/users.ts";
import type { SessionBuddyError } from "../tracker/errors.ts";
import { formatInstant, instantFromMs } from "../tracker/instant.ts";
import { Fields } from "../wire/fields.ts";

export interface LoginOptions {
  /** The folder in which the files are made. */
  readonly spool: string;
  /** Its members may read everybody's sessions, as root may. */
  readonly adminGroup: string;
  readonly tokens: ServiceTokens;
  readonly users: Pick<Users, "lookUp">;
  /** Those of this machine by default. */
  readonly groups?: Groups;
}

/** What whoever logged in gets. */
export interface LoggedIn {
  readonly token: string;
  /** RFC 3339. */
  readonly expires_at: string;
  /** `read:own` or `read:all`. */
  readonly scope: string;
}

/** Whom a try is counted for, and what became of it. */
export interface LoginTry {
  /** The owner of the file that was named; null where there was none. */
  readonly uid: number | null;
  /** Null where it is refused. */
  readonly loggedIn: LoggedIn | null;
  /** Says why, for the log; null where it is not refused. */
  readonly refused: SessionBuddyError | null;
}

export interface Login {
  /**
   * @param args - `file` and `secret`, as they were sent
   * @throws SessionBuddyError `invalid` when they are not two texts
   */
  logIn(args: unknown): Promise<LoginTry>;
  /** Removes what was left behind by those who did not come. Never throws. */
  sweep(): Promise<void>;
}

const administrator = 0;
const longestName = 100;
const longestSecret = 1_000;

export function createLogin(options: LoginOptions): Login {
  const { spool, adminGroup, tokens, users, groups = createGroups() } = options;
  return {
    async logIn(args) {
      const { file, secret } = parseLogin(args);
      const taken = takeLoginFile(spool, file, Date.now());
      if ("reason" in taken) return refused(taken.uid, taken.reason);
      const { uid, hash } = taken;
      if (!isHashOf(hash, secret)) return refused(uid, "the secret is not the one of the file");
      const user = await users.lookUp(uid);
      // One that the database does not know has its number for a name, which may be the name of another.
      const readsAll = uid === administrator || (user.isKnown && (await groups.has(adminGroup, user)));
      const { token, expiresAtMs, scope } = await tokens.make(user, readsAll, Date.now());
      const loggedIn = { token, expires_at: formatInstant(instantFromMs(expiresAtMs)), scope };
      return { uid, loggedIn, refused: null };
    },
    sweep: () => removeOldLogins(spool, Date.now()),
  };
}

/** The users of this machine, as its user database says. */
export function createLoginUsers(): Pick<Users, "lookUp"> {
  return createUsers();
}

function parseLogin(args: unknown): { readonly file: string; readonly secret: string } {
  const fields = new Fields(args);
  const file = fields.text("file", longestName);
  const secret = fields.text("secret", longestSecret);
  fields.refuseOthers(new Set(["file", "secret"]));
  fields.throwIssues();
  return { file, secret };
}

function isHashOf(hash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hash, "hex"), createHash("sha256").update(secret).digest());
}

function refused(uid: number | null, reason: string): LoginTry {
  return { uid, loggedIn: null, refused: refusal("auth.invalid", `login: ${reason}`) };
}
