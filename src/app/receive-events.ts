/**
 * Owns what becomes of each event that an origin delivers: it is on record, known, or kept aside. One transaction's.
 * Longer than 250 lines because every event takes one of these ways, and each must be judged beside the others.
 */
import type { HostCaller } from "../auth/host-caller.ts";
import { canonicalJson, type Json, parseJson } from "../tracker/canonical.ts";
import { circumstancesOf, type ToldCircumstances, toldBy } from "../tracker/circumstances.ts";
import type { NewStart, Observation, SessionEvent, StartEvent } from "../tracker/event.ts";
import { foldSession } from "../tracker/fold.ts";
import type { Instant } from "../tracker/instant.ts";
import type { OriginState, OriginsTransaction, ParkedEvent } from "../tracker/origins.ts";
import { firstFree, sessionIdCandidates } from "../tracker/session-id.ts";
import type { StoreTransaction } from "../tracker/store.ts";
import { type DeliveredEvent, parseSentEvent, type RefusalCode, type SentEvent } from "../wire/batch.ts";

/** What was taken of a batch: each of its events is stored, known or refused. */
export interface Taken {
  readonly stored: number;
  readonly known: number;
  readonly refused: readonly Refused[];
  /** Whether something new came for a position that was taken before. */
  readonly isOverwritten: boolean;
  readonly parked: Pick<OriginState, "parked" | "waiting" | "parkedSize">;
}

interface Refused {
  readonly event: SentEvent;
  readonly code: RefusalCode;
  readonly error: string;
}

interface Refusal {
  readonly code: RefusalCode;
  readonly error: string;
}

/** A session has an end and a few proofs of death; folding takes the longer the more there are. */
const mostClosings = 100;
/** What one origin may have kept aside: events, and characters of them. What is beyond, the host alone keeps. */
const mostParked = 10_000;
const mostParkedSize = 16 * 1024 * 1024;

export interface Delivery {
  readonly caller: HostCaller;
  readonly stream: string;
  /** How far it was taken before. */
  readonly acked: number;
  readonly now: Instant;
}

/** Takes the events of one batch, in their order. The sessions that they change are written at the end. */
export async function takeEvents(
  tx: StoreTransaction,
  events: readonly SentEvent[],
  state: OriginState | null,
  delivery: Delivery,
): Promise<Taken> {
  const taking = new Taking(tx, await tx.origins(), state, delivery);
  await tx.expect(expectedOf(events));
  for (const event of events) await taking.take(event);
  return taking.finish();
}

function expectedOf(events: readonly SentEvent[]) {
  const read = events.map((event) => event.read).filter((one) => "kind" in one);
  return {
    eventIds: read.map(({ eventId }) => eventId),
    startEventIds: [...new Set(read.map(({ startEventId }) => startEventId))],
    sessionIds: [...new Set(read.flatMap((one) => (one.kind === "start" ? firstCandidates(one) : [])))],
  };
}

/** In a fleet many begin in one second: the second one is nearly always free. */
function firstCandidates(start: NewStart): string[] {
  const [first = "", second = ""] = sessionIdCandidates(start);
  return [first, second];
}

class Taking {
  readonly #tx: StoreTransaction;
  readonly #origins: OriginsTransaction;
  readonly #delivery: Delivery;
  /** The events of each session that was changed. */
  readonly #lives = new Map<string, readonly SessionEvent[]>();
  /** The sessions that began here, by their ids there. */
  readonly #begun = new Map<string, string>();
  #refused: Refused[] = [];
  #stored = 0;
  #known = 0;
  #isOverwritten = false;
  #parked: Taken["parked"];

  constructor(tx: StoreTransaction, origins: OriginsTransaction, state: OriginState | null, delivery: Delivery) {
    this.#tx = tx;
    this.#origins = origins;
    this.#delivery = delivery;
    this.#parked = state ?? { parked: 0, waiting: 0, parkedSize: 0 };
  }

  async take(event: SentEvent): Promise<void> {
    const { read } = event;
    const outcome = "kind" in read ? await this.#takeRead(read, event) : read;
    if (outcome === "known") this.#known += 1;
    else if (outcome === "stored") await this.#noteStored(event);
    else await this.#park(event, outcome, "kind" in read ? read : null);
  }

  async finish(): Promise<Taken> {
    for (const [id, life] of this.#lives) {
      const session = foldSession(life);
      if (session === null) throw new Error(`the events of ${id} have no start`);
      await this.#tx.putSession(session);
    }
    const { parked, waiting, parkedSize } = this.#parked;
    return {
      ...{ stored: this.#stored, known: this.#known, refused: this.#refused, isOverwritten: this.#isOverwritten },
      parked: { parked, waiting, parkedSize },
    };
  }

  async #takeRead(read: DeliveredEvent, { seq }: Pick<SentEvent, "seq">): Promise<"stored" | "known" | Refusal> {
    const known = await this.#tx.eventById(read.eventId);
    if (known !== null) return (await this.#isSame(known, read)) ? "known" : taken;
    return read.kind === "start" ? this.#takeStart(read, seq) : this.#takeClosing(read, seq, this.#delivery.stream);
  }

  /** What another origin or this record itself has is no answer, whatever it says. */
  async #isSame(known: SessionEvent, read: DeliveredEvent): Promise<boolean> {
    if (known.kind !== read.kind || !this.#isOwn(known)) return false;
    if (textOf(known.content) !== textOf(read.content)) return false;
    if (read.kind === "start") return true;
    return (await this.#tx.eventById(read.startEventId))?.sessionId === known.sessionId;
  }

  #isOwn({ observed }: SessionEvent): boolean {
    return observed.origin?.originId === this.#delivery.caller.originId;
  }

  async #takeStart(read: DeliveredEvent & { kind: "start" }, seq: number): Promise<"stored" | "known" | Refusal> {
    const { username } = this.#delivery.caller;
    if (username !== null && read.content.username !== username) return notYours(username);
    if ((await this.#tx.prunedSessionId(read.eventId)) !== null) return "known";
    const { kind, eventId, content } = read;
    const told = await this.#withOwnParent(read.observed.circumstances);
    const observed = this.#delivered({ ...read.observed, circumstances: told }, read, seq, this.#delivery.stream);
    const start: NewStart = { kind, eventId, content, observed };
    const sessionId = await firstFree(this.#tx, sessionIdCandidates(start));
    const event: StartEvent = { ...start, sessionId };
    await this.#append(event, []);
    this.#begun.set(read.localSessionId, sessionId);
    await this.#takeWaiting(eventId);
    return "stored";
  }

  async #takeClosing(read: Closing, seq: number, stream: string): Promise<"stored" | "known" | Refusal> {
    const start = await this.#tx.eventById(read.startEventId);
    // It is over, and gone from the record by the rules of this one.
    if (start === null && (await this.#tx.prunedSessionId(read.startEventId)) !== null) return "known";
    if (start === null || start.kind !== "start" || !this.#isOwn(start)) return noStart;
    const { sessionId } = start;
    const life = this.#lives.get(sessionId) ?? (await this.#tx.eventsOf(sessionId));
    if (life.length > mostClosings) return tooMany;
    const { eventId } = read;
    const observed = this.#delivered(read.observed, read, seq, stream);
    const event: SessionEvent =
      read.kind === "end"
        ? { kind: "end", eventId, sessionId, content: read.content, observed }
        : { kind: "death", eventId, sessionId, content: read.content, observed };
    await this.#append(event, life);
    return "stored";
  }

  /** Ends that came before their start. */
  async #takeWaiting(startEventId: string): Promise<void> {
    if (this.#parked.waiting === 0) return;
    const { originId } = this.#delivery.caller;
    for (const parked of await this.#origins.parkedFor(originId, startEventId)) {
      const read = readParked(parked);
      if (read === null || read.kind === "start") continue;
      if ((await this.#tx.eventById(read.eventId)) !== null) continue;
      if ((await this.#takeClosing(read, parked.seq, parked.stream)) !== "stored") continue;
      await this.#unpark(parked);
      // Those of this batch are counted with it.
      const others = this.#refused.filter(({ event }) => event.eventId !== read.eventId);
      this.#stored += this.#refused.length - others.length;
      this.#refused = others;
    }
  }

  #delivered(observed: Observation, { localSessionId }: DeliveredEvent, seq: number, stream: string): Observation {
    const { originId } = this.#delivery.caller;
    return { ...observed, origin: { originId, sessionId: localSessionId, stream, seq } };
  }

  /** A session around it is one of the same origin, and has another id here; of any other nothing is said. */
  async #withOwnParent(told: ToldCircumstances | null): Promise<ToldCircumstances | null> {
    const there = circumstancesOf(told).parentSession;
    if (told === null || there === null) return told;
    const { originId } = this.#delivery.caller;
    const here = this.#begun.get(there) ?? (await this.#origins.sessionOfOrigin(originId, there));
    const sources = Object.entries(told).map(([source, known]) => {
      const { parentSession, ...others } = known;
      return [source, parentSession == null || here === null ? others : { ...others, parentSession: here }];
    });
    return toldBy(Object.fromEntries(sources));
  }

  async #append(event: SessionEvent, before: readonly SessionEvent[]): Promise<void> {
    await this.#tx.appendEvent(event);
    this.#lives.set(event.sessionId, [...before, event]);
  }

  async #noteStored(event: SentEvent): Promise<void> {
    this.#stored += 1;
    const parked = await this.#parkedBefore(keyOf(event, this.#delivery));
    if (parked !== null) return this.#unpark(parked);
    if (event.seq <= this.#delivery.acked) this.#isOverwritten = true;
  }

  async #parkedBefore(key: string): Promise<ParkedEvent | null> {
    if (this.#parked.parked === 0) return null;
    return this.#origins.parkedEvent(this.#delivery.caller.originId, key);
  }

  async #park(event: SentEvent, { code, error }: Refusal, read: DeliveredEvent | null): Promise<void> {
    this.#refused.push({ event, code, error });
    const { stream, now, caller } = this.#delivery;
    const key = keyOf(event, this.#delivery);
    const before = await this.#parkedBefore(key);
    if (before !== null) await this.#unpark(before);
    if (this.#parked.parked >= mostParked) return;
    const text = JSON.stringify(event.sent);
    const body = this.#parked.parkedSize + text.length > mostParkedSize ? null : text;
    const startEventId = code === "no_start" ? (read?.startEventId ?? null) : null;
    const { seq } = event;
    await this.#origins.park({ originId: caller.originId, key, stream, seq, code, error, startEventId, body, at: now });
    this.#count({ code, body }, 1);
  }

  async #unpark(parked: ParkedEvent): Promise<void> {
    await this.#origins.unpark(parked.originId, parked.key);
    this.#count(parked, -1);
  }

  #count({ code, body }: Pick<ParkedEvent, "code" | "body">, by: 1 | -1): void {
    const { parked, waiting, parkedSize } = this.#parked;
    this.#parked = {
      parked: parked + by,
      waiting: waiting + (code === "no_start" ? by : 0),
      parkedSize: parkedSize + by * (body?.length ?? 0),
    };
  }
}

type Closing = Exclude<DeliveredEvent, { kind: "start" }>;

const taken: Refusal = { code: "event_id_taken", error: "event_id: it is the id of another event" };
const noStart: Refusal = {
  code: "no_start",
  error: "start_event_id: no session of this host begins with this event; it waits for it here",
};
const tooMany: Refusal = { code: "invalid", error: `a session has at most ${mostClosings} ends and proofs of death` };

function notYours(username: string): Refusal {
  return { code: "not_yours", error: `user.username: this host was invited to send the sessions of ${username}` };
}

function textOf(content: SessionEvent["content"]): string {
  return canonicalJson(content as unknown as Json);
}

function keyOf({ eventId, seq }: SentEvent, { stream }: Delivery): string {
  return eventId ?? `${stream}:${seq}`;
}

/** It was held to the rules when it came; those of a later version may be others. */
function readParked({ body }: ParkedEvent): DeliveredEvent | null {
  if (body === null) return null;
  const { read } = parseSentEvent(parseJson(body));
  return "kind" in read ? read : null;
}
