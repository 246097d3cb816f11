/** Owns what happens to a start and an end: recorded once, answered the same however often. Part of the pure core. */
import { canonicalJson, type Json } from "./canonical.ts";
import { SessionBuddyError } from "./errors.ts";
import type {
  DeathEvent,
  EndContent,
  EndEvent,
  NewStart,
  Observation,
  ParsedStart,
  SessionEvent,
  StartContent,
  StartEvent,
} from "./event.ts";
import { foldSession, rankOf, rankOfEvent, type Session } from "./fold.ts";
import { firstFree, sessionIdCandidates } from "./session-id.ts";
import type { Store, StoreTransaction } from "./store.ts";

/** What is wrong with a directory on this machine. */
export type DirectoryProblem = "does not exist" | "is not a directory" | "is not accessible";

export interface TrackerDependencies {
  readonly store: Store;
  /** Makes the id of an event that came without one: a UUID version 4. */
  readonly newEventId: () => string;
  /** This machine's name; directories are checked for its events alone (contract section 1). */
  readonly hostname: string;
  /** Looks at a directory of this machine; null when it exists and is accessible. */
  readonly directoryProblem: (path: string) => Promise<DirectoryProblem | null>;
}

/** How an end went; an unknown session is an answer, not an error. */
export type EndOutcome = "recorded" | "already_ended" | "not_found";

/** Looks for a session in a transaction. @returns null when there is none */
export type FindSession = (tx: StoreTransaction) => Promise<Session | null>;

/** An end, and what was seen when it was told. */
export interface ToldEnd {
  readonly content: EndContent;
  readonly observed: Observation;
}

/**
 * A start that is sent again is answered with the same session. Where that one was pruned since, the answer still has
 * its id, nothing is recorded, and what the event says now is taken on trust, because there is nothing left to compare
 * it with; an end of a pruned session is `not_found`.
 */
export interface Tracker {
  /**
   * Records a start that came over the wire, its directory checked.
   *
   * @throws SessionBuddyError `invalid` when the directory is wrong or the event id belongs to another event
   */
  start(parsed: ParsedStart, observed: Observation): Promise<Session>;
  /**
   * Records a start that this machine saw itself. What the shell did is a fact: its directory may be gone, and an event
   * id that is on record is this event's, because such ids are made from what they name.
   *
   * @param findSame - finds the session of the same shell that another event may have begun; nothing comes between its
   *   look and the start. By default there is none
   */
  startOfHost(parsed: ParsedStart, observed: Observation, findSame?: FindSession): Promise<Session>;
  /** Records such a start and its end together. @returns the session as it was before the end */
  lifeOfHost(parsed: ParsedStart, observed: Observation, end: ToldEnd): Promise<Session>;
  /**
   * Records the end of a session. The first one is kept, unless the shell itself tells another: what changes nothing is
   * answered alike.
   */
  end(sessionId: string, content: EndContent, observed: Observation): Promise<EndOutcome>;
  /** Records a proof of death. An end that is on record stays, but lies no later than the proof. */
  death(sessionId: string, content: DeathEvent["content"], observed: Observation): Promise<EndOutcome>;
}

export function createTracker(dependencies: TrackerDependencies): Tracker {
  const { store, newEventId } = dependencies;
  return {
    async start(parsed, observed) {
      const problem = await directoryIssue(parsed.content, dependencies);
      return store.transact(async (tx) => {
        const known = await knownStart(tx, parsed);
        if (known !== null) return known;
        if (problem !== null) throw new SessionBuddyError("invalid", problem);
        return recordStart(tx, parsed, observed);
      });
    },
    startOfHost(parsed, observed, findSame = async () => null) {
      return store.transact((tx) => startOrKnown(tx, { parsed, observed, findSame }));
    },
    lifeOfHost(parsed, observed, end) {
      return store.transact(async (tx) => {
        const session = await startOrKnown(tx, { parsed, observed, findSame: async () => null });
        const { sessionId } = session;
        await recordClosing(tx, { kind: "end", eventId: newEventId(), sessionId, ...end });
        return session;
      });
    },
    end(sessionId, content, observed) {
      const event: EndEvent = { kind: "end", eventId: newEventId(), sessionId, content, observed };
      return store.transact((tx) => recordClosing(tx, event));
    },
    death(sessionId, content, observed) {
      const event: DeathEvent = { kind: "death", eventId: newEventId(), sessionId, content, observed };
      return store.transact((tx) => recordClosing(tx, event));
    },
  };
}

interface StartOfHost {
  readonly parsed: ParsedStart;
  readonly observed: Observation;
  readonly findSame: FindSession;
}

async function startOrKnown(tx: StoreTransaction, { parsed, observed, findSame }: StartOfHost): Promise<Session> {
  let { eventId } = parsed;
  let known = await tx.eventById(eventId);
  // The next id that no other record has taken: whoever guessed one must not hide a shell here.
  while (known?.observed.origin !== undefined) {
    eventId = nextId(eventId);
    known = await tx.eventById(eventId);
  }
  const session = known === null ? await findSame(tx) : foldSession(await tx.eventsOf(known.sessionId));
  return session ?? recordStart(tx, { ...parsed, eventId }, observed);
}

const lastDigits = 12;

/** @returns a UUID with its last group one higher */
function nextId(eventId: string): string {
  const next = (BigInt(`0x${eventId.slice(-lastDigits)}`) + 1n) % 16n ** BigInt(lastDigits);
  return eventId.slice(0, -lastDigits) + next.toString(16).padStart(lastDigits, "0");
}

async function recordStart(tx: StoreTransaction, parsed: ParsedStart, observed: Observation): Promise<Session> {
  const start: NewStart = { kind: "start", eventId: parsed.eventId, content: parsed.content, observed };
  const prunedId = await tx.prunedSessionId(parsed.eventId);
  if (prunedId !== null) return foldOf([{ ...start, sessionId: prunedId }]);
  const event: StartEvent = { ...start, sessionId: await firstFree(tx, sessionIdCandidates(start)) };
  return append(tx, event, []);
}

/** The session of a start that is on record; the same id with another content is refused. */
async function knownStart(tx: StoreTransaction, parsed: ParsedStart): Promise<Session | null> {
  const known = await tx.eventById(parsed.eventId);
  if (known === null) return null;
  if (known.kind !== "start" || isDelivered(known) || !isSameContent(known.content, parsed.content)) {
    throw new SessionBuddyError("invalid", "event_id already used by another event");
  }
  return foldSession(await tx.eventsOf(known.sessionId));
}

/** Of another record: its sessions are no answer to a start here, whoever knows what it said. */
function isDelivered({ observed }: SessionEvent): boolean {
  return observed.origin !== undefined;
}

async function recordClosing(tx: StoreTransaction, event: EndEvent | DeathEvent): Promise<EndOutcome> {
  const events = await tx.eventsOf(event.sessionId);
  const session = foldSession(events);
  // How a session ends that another record delivered, that one tells.
  if (session === null || session.origin !== null) return "not_found";
  if (rankOf(session) >= rankOfEvent(event) && !isBound(event, session)) return "already_ended";
  await append(tx, event, events);
  return "recorded";
}

/** A proof of death bounds an end that others have told for a later time. */
function isBound(event: EndEvent | DeathEvent, { state, endedBy, endedAt }: Session): boolean {
  if (event.kind !== "death" || state !== "ended" || endedBy === "hook") return false;
  return endedAt !== null && event.content.detectedAt < endedAt;
}

async function append(
  tx: StoreTransaction,
  event: StartEvent | EndEvent | DeathEvent,
  before: readonly (StartEvent | EndEvent | DeathEvent)[],
): Promise<Session> {
  const session = foldOf([...before, event]);
  await tx.appendEvent(event);
  await tx.putSession(session);
  return session;
}

function foldOf(events: readonly (StartEvent | EndEvent | DeathEvent)[]): Session {
  const session = foldSession(events);
  if (session === null) throw new Error(`the events of ${events[0]?.sessionId} have no start`);
  return session;
}

/** The contract's sentence when the start names a directory of this machine that cannot be entered. */
async function directoryIssue(content: StartContent, dependencies: TrackerDependencies): Promise<string | null> {
  if (content.hostname !== dependencies.hostname) return null;
  const problem = await dependencies.directoryProblem(content.cwd);
  return problem === null ? null : `Session initialization failed: Working directory ${problem}: ${content.cwd}`;
}

/** Two starts with equal content are one event. */
export function isSameContent(a: StartContent, b: StartContent): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
}
