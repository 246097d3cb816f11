/** Owns taking over sessions of another record: what of them is believed, and that each is on record once. Part of the pure core. */
import { type Circumstances, circumstancesOf, type ToldCircumstances, toldBy } from "./circumstances.ts";
import type { BootClock, DeathEvent, EndEvent, ShellOwner, StartEvent } from "./event.ts";
import { foldSession, type Session } from "./fold.ts";
import { type Instant, instantFromMs, instantToMs } from "./instant.ts";
import { firstFree, sessionIdCandidates } from "./session-id.ts";
import type { StoreTransaction } from "./store.ts";
import { isSameContent } from "./tracker.ts";

/** One session of another record, as its owner sent it. */
export interface ForeignSession {
  /** Its id there. */
  readonly sessionId: string;
  readonly start: ForeignStart;
  /** Its ends and proofs of death; their ids are unique. */
  readonly closings: readonly ForeignClosing[];
}

type Foreign<Event extends StartEvent | EndEvent | DeathEvent> = Omit<Event, "sessionId">;
export type ForeignStart = Foreign<StartEvent>;
export type ForeignClosing = Foreign<EndEvent> | Foreign<DeathEvent>;

/** Who imports, as this machine knows it, and where to. */
export interface Importer {
  readonly uid: number;
  readonly username: string;
  /** Of this machine. */
  readonly hostname: string;
  readonly hostId: string | null;
  /** Whether the address that a shell was reached from is kept here. */
  readonly keepsRemote: boolean;
  readonly now: Instant;
}

/** What became of one session. `known`: it is on record; then what is new of it is added, if anything. */
export type Imported =
  | { readonly outcome: "imported" | "known"; readonly sessionId: string; readonly newEvents: number }
  | { readonly outcome: "refused"; readonly reason: string };

/** Two hooks of one shell tell its start within this time; a shell that took its place by `exec` at once is another one. */
const sameStartMs = 2_000;

/**
 * Takes a session over, in a transaction. What is on record is never changed by it: a session that another source began
 * stays as it is, and an id that is taken is not taken away.
 *
 * @param isDryRun - whether nothing is to be written
 */
export async function importSession(
  tx: StoreTransaction,
  session: ForeignSession,
  importer: Importer,
  isDryRun: boolean,
): Promise<Imported> {
  const issue = issueOf(session, importer);
  if (issue !== null) return refused(issue);
  const { start } = session;
  const known = await tx.eventById(start.eventId);
  if (known !== null) {
    // What another record delivered is that one's alone.
    if (known.observed.origin !== undefined) return refused(usedId);
    if (known.kind !== "start" || !isSameContent(known.content, start.content)) return refused(usedId);
    return addMissing(tx, known, session, importer, isDryRun);
  }
  const prunedId = await tx.prunedSessionId(start.eventId);
  if (prunedId !== null) return { outcome: "known", sessionId: prunedId, newEvents: 0 };
  for (const { eventId } of session.closings) if ((await tx.eventById(eventId)) !== null) return refused(usedId);
  const same = await sameShell(tx, start);
  if (same !== null) return { outcome: "known", sessionId: same.sessionId, newEvents: 0 };
  // The id that it has; where another session has that one here, the next one that its start may get.
  const sessionId = await firstFree(tx, [session.sessionId, ...sessionIdCandidates(start)]);
  const events = [await ownStart(tx, start, sessionId, importer), ...closingsOf(session, sessionId, importer)];
  return append(tx, [], events, "imported", isDryRun);
}

const usedId = "an event of it has the id of another event";

function refused(reason: string): Imported {
  return { outcome: "refused", reason };
}

/** A session that was imported may have got a stronger end in its own record since. */
async function addMissing(
  tx: StoreTransaction,
  known: StartEvent,
  session: ForeignSession,
  importer: Importer,
  isDryRun: boolean,
): Promise<Imported> {
  const { sessionId, observed } = known;
  const unchanged: Imported = { outcome: "known", sessionId, newEvents: 0 };
  // What this record was told first-hand is not added to by others.
  if (observed.source?.kind !== "import" || observed.source.uid !== importer.uid) return unchanged;
  const missing: (EndEvent | DeathEvent)[] = [];
  for (const closing of closingsOf(session, sessionId, importer)) {
    const there = await tx.eventById(closing.eventId);
    if (there === null) missing.push(closing);
    else if (there.sessionId !== sessionId) return refused(usedId);
  }
  return missing.length === 0 ? unchanged : append(tx, await tx.eventsOf(sessionId), missing, "known", isDryRun);
}

async function append(
  tx: StoreTransaction,
  before: readonly (StartEvent | EndEvent | DeathEvent)[],
  events: readonly (StartEvent | EndEvent | DeathEvent)[],
  outcome: "imported" | "known",
  isDryRun: boolean,
): Promise<Imported> {
  const session = foldSession([...before, ...events]);
  if (session === null) throw new Error("an imported session has a start");
  if (session.state === "active") return refused(isOpen);
  if (!isDryRun) {
    for (const event of events) await tx.appendEvent(event);
    await tx.putSession(session);
  }
  return { outcome, sessionId: session.sessionId, newEvents: events.length };
}

const isOpen = "it is open";

/** @returns why a session is not taken, to be read after its id; null when it is */
function issueOf({ sessionId, start, closings }: ForeignSession, importer: Importer): string | null {
  const { content, observed } = start;
  if (content.username !== importer.username) return `it is of user '${content.username}'`;
  if (content.hostname !== importer.hostname) return `it is of host '${content.hostname}'`;
  // By this id the machine's record knows processes that it looked at itself.
  if (importer.hostId !== null && observed.process?.hostId === importer.hostId)
    return "its process is said to be one that this record has seen itself";
  if (![...sessionIdCandidates(start)].includes(sessionId)) return "its id is not made from its start";
  if (closings.length === 0) return isOpen;
  if (content.timestamp > importer.now) return "it starts in the future";
  for (const closing of closings) {
    const issue = timeIssueOf(start, closing, importer.now);
    if (issue !== null) return issue;
  }
  return null;
}

function timeIssueOf(start: ForeignStart, closing: ForeignClosing, now: Instant): string | null {
  const at = closing.kind === "end" ? closing.content.timestamp : closing.content.detectedAt;
  if (at > now) return "it ends in the future";
  if (closing.kind === "death" && closing.content.lastAliveAt > at) return "it was alive after it was proven dead";
  const isInOrder = start.content.timestamp <= at || isLater(start.observed.bootClock, closing.observed.bootClock);
  return isInOrder ? null : "it ends before it starts";
}

/** The wall clock may have been set back meanwhile; the boot clock never is. */
function isLater(from: BootClock | null, to: BootClock | null): boolean {
  return from !== null && to !== null && from.bootId === to.bootId && from.ms <= to.ms;
}

/** A shell that was open while the machine's record came may have told both. */
async function sameShell(tx: StoreTransaction, { content, observed }: ForeignStart): Promise<Session | null> {
  const { process: own } = observed;
  if (own === null || own.bootId === null || own.startTicks === null) return null;
  const startedMs = instantToMs(content.timestamp);
  const around = await tx.sessions({
    username: content.username,
    componentName: content.componentName,
    startedSince: instantFromMs(startedMs - sameStartMs),
    openUntil: instantFromMs(startedMs + sameStartMs),
  });
  for (const session of around) {
    if (session.origin !== null) continue;
    const isSameProcess =
      session.process?.bootId === own.bootId &&
      session.process.pid === own.pid &&
      session.process.startTicks === own.startTicks;
    if (!isSameProcess || session.shellType !== content.shellType) continue;
    const start = await tx.eventById(session.startEventId);
    // The other record told them apart.
    if (start?.observed.source?.kind !== "import") return session;
  }
  return null;
}

async function ownStart(
  tx: StoreTransaction,
  start: ForeignStart,
  sessionId: string,
  importer: Importer,
): Promise<StartEvent> {
  const owner: ShellOwner = { uid: importer.uid, isVerified: false };
  const told = await believed(tx, start.observed.circumstances, importer);
  return {
    ...start,
    sessionId,
    observed: { ...start.observed, recordedAt: importer.now, circumstances: told, owner },
  };
}

function closingsOf({ closings }: ForeignSession, sessionId: string, { now }: Importer): (EndEvent | DeathEvent)[] {
  return closings.map((closing) => ({
    ...closing,
    sessionId,
    observed: { ...closing.observed, recordedAt: now, circumstances: null },
  }));
}

/**
 * What its owner may say: nothing about another user, and no session around it but one of the same user. All of it is a
 * claim, whoever told the other record.
 */
async function believed(
  tx: StoreTransaction,
  told: ToldCircumstances | null,
  { uid, username, keepsRemote }: Importer,
): Promise<ToldCircumstances | null> {
  const said = circumstancesOf(told);
  const own: Circumstances = {
    ...said,
    uid: said.uid === uid ? uid : null,
    loginUid: said.loginUid === uid ? uid : null,
    loginUser: said.loginUser === username ? username : null,
    remote: keepsRemote ? said.remote : null,
    parentSession: await ownSession(tx, said.parentSession, username),
  };
  return toldBy({ import: own });
}

async function ownSession(tx: StoreTransaction, sessionId: string | null, username: string): Promise<string | null> {
  if (sessionId === null) return null;
  const session = foldSession(await tx.eventsOf(sessionId));
  return session?.origin === null && session.username === username ? sessionId : null;
}
