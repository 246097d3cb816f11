/** A user's own record, as it was kept before the machine had one: written into the user's folders, and the user's. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { EndContent, Observation, SessionEvent, StartContent } from "../../../src/tracker/event.ts";
import { foldSession } from "../../../src/tracker/fold.ts";
import type { User } from "../users.ts";
import { withStore } from "./history.ts";
import { at, endEvent, observedNothing, startEvent } from "./session-events.ts";

/** A session of one hour, by its hook; open where it has no end. */
export interface OwnSession {
  readonly id: string;
  readonly from: string;
  readonly to?: string;
  readonly start?: Partial<StartContent>;
  readonly end?: Partial<EndContent>;
  readonly observed?: Partial<Observation>;
}

/** Where the record of a user is, unless a variable names another place. */
export function ownFolder(user: Pick<User, "home">): string {
  return join(user.home, ".local/share/session-buddy");
}

/** Adds sessions to the record of a user. @returns the events of each */
export async function recordOwn(user: User, sessions: readonly OwnSession[]): Promise<readonly SessionEvent[][]> {
  const stories = sessions.map((session) => ownEvents(user, session));
  await recordEvents(user, stories);
  return stories;
}

/** Adds events of sessions to the record of a user. */
export async function recordEvents(user: User, stories: readonly (readonly SessionEvent[])[]): Promise<void> {
  const folder = ownFolder(user);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The store opens what is root's alone while root writes to it.
  const handTo = (owner: string) => execFileSync("chown", ["-R", owner, join(user.home, ".local")]);
  handTo("0:0");
  await withStore({ home: folder }, async (store) => {
    for (const events of stories) {
      await store.transact(async (tx) => {
        for (const event of events) await tx.appendEvent(event);
        const session = foldSession(await tx.eventsOf(events[0]?.sessionId ?? ""));
        if (session !== null) await tx.putSession(session);
      });
    }
  });
  handTo(`${user.uid}:${user.gid}`);
}

/** @returns what is recorded of such a session */
export function ownEvents(user: Pick<User, "name">, session: OwnSession): SessionEvent[] {
  const { id: sessionId, from, to, start, end, observed } = session;
  const by = { ...observedNothing, source: { kind: "hook" as const }, ...observed };
  const content = {
    username: user.name,
    hostname: hostname(),
    timestamp: at(from),
    componentName: sessionId.split("-", 1)[0] ?? "",
    ...start,
  };
  const events: SessionEvent[] = [startEvent(content, { sessionId, eventId: randomUUID(), observed: by })];
  if (to === undefined) return events;
  const told = { timestamp: at(to), exitCode: 0, reason: "exit", ...end };
  return [...events, endEvent(told, { sessionId, eventId: randomUUID(), observed: { ...by, circumstances: null } })];
}

/** @returns sessions of one minute each, one after the other, with the ids that they get */
export function manyOwn(count: number): OwnSession[] {
  return Array.from({ length: count }, (_, index) => {
    const from = new Date(Date.parse("2026-01-01T00:00:00Z") + index * 120_000).toISOString();
    const to = new Date(Date.parse(from) + 60_000).toISOString();
    const [date, time] = [from.slice(0, 10).replaceAll("-", ""), from.slice(11, 19).replaceAll(":", "")];
    return { id: `shell-${date}-${time}`, from, to };
  });
}
