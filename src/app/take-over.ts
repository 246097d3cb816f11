/** Owns what the machine's service does with sessions that a user sends of their own record. */
import type { Caller } from "../auth/scope.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type Imported, importSession } from "../tracker/import.ts";
import { instantFromMs } from "../tracker/instant.ts";
import type { SentSessionRow } from "../wire/import-answer.ts";
import { parseForeignSession, parseImport } from "../wire/import-form.ts";
import type { App } from "./app.ts";

/** Whoever logged in on this machine. */
export type LocalCaller = Pick<Caller, "userId"> & { readonly localUid: number };

export interface TakeOver {
  /**
   * Takes sessions over, each by itself: one that is refused keeps no other out.
   *
   * @param args - the request as it was sent
   * @returns what became of each, in the order in which they were sent
   * @throws SessionBuddyError `invalid` when it is no such request; `storage.*`
   */
  take(caller: LocalCaller, args: unknown): Promise<readonly SentSessionRow[]>;
}

const longestReason = 500;

export function createTakeOver({ store, machine, config, log }: Pick<App, "store" | "machine" | "config" | "log">) {
  const takeOne = async ({ userId, localUid }: LocalCaller, sent: unknown, isDryRun: boolean): Promise<Imported> => {
    const session = parsed(sent, localUid);
    if (typeof session === "string") return { outcome: "refused", reason: session };
    const importer = {
      uid: localUid,
      username: userId,
      hostname: machine.facts.hostname,
      hostId: machine.hostId,
      keepsRemote: config.settings.remote,
      now: instantFromMs(Date.now()),
    };
    return store.transact((tx) => importSession(tx, session, importer, isDryRun));
  };
  const takeOver: TakeOver = {
    async take(caller, args) {
      const { isDryRun, sessions } = parseImport(args);
      // Those that wait together share a commit, and are taken in this order.
      const outcomes = await Promise.all(sessions.map((session) => takeOne(caller, session, isDryRun)));
      const taken = outcomes.filter(({ outcome }) => outcome === "imported").length;
      if (!isDryRun && taken > 0) log.info("Sessions imported", { uid: caller.localUid, sessions: taken });
      return outcomes.map(toRow);
    },
  };
  return takeOver;
}

function parsed(sent: unknown, uid: number): ReturnType<typeof parseForeignSession> | string {
  try {
    return parseForeignSession(sent, uid);
  } catch (error) {
    if (error instanceof SessionBuddyError && error.code === "invalid") return error.message;
    throw error;
  }
}

function toRow(imported: Imported): SentSessionRow {
  if (imported.outcome === "refused") {
    const reason = imported.reason.slice(0, longestReason).toWellFormed();
    return { outcome: "refused", session_id: null, new_events: 0, reason };
  }
  const { outcome, sessionId, newEvents } = imported;
  return { outcome, session_id: sessionId, new_events: newEvents, reason: null };
}
