/** Where a store is kept, in a form that another process can open it from too, and how tests write to and read it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import type { Session } from "../../../src/tracker/fold.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { root } from "../sandbox.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { folded } from "./session-events.ts";

export interface StorePlace {
  /** The module that opens the store, from the root of the source: `src/store/sqlite/store.ts`. */
  readonly module: string;
  readonly exportName: string;
  /** Argument of the opening function; JSON. */
  readonly options: unknown;
}

/** A new place for an embedded store. */
export function sqlitePlace(t: TestContext): StorePlace & { readonly options: { readonly path: string } } {
  const path = join(temporaryFolder(t), "sessions.db");
  return { module: "src/store/sqlite/store.ts", exportName: "openSqliteStore", options: { path } };
}

/**
 * @returns what makes files that hold an empty store, all alike but each another file: for a test of many stores, because
 *   making the tables takes longer than what it does with them
 */
export async function emptyStores(t: TestContext): Promise<(path: string) => void> {
  const place = sqlitePlace(t);
  await (await openAt(place)).close();
  const bytes = readFileSync(place.options.path);
  return (path) => writeFileSync(path, bytes, { mode: 0o600 });
}

/** Opens the store; whoever opened it without `t` closes it. */
export async function openAt(place: StorePlace, t?: TestContext): Promise<Store> {
  const module = await import(pathToFileURL(resolve(root, place.module)).href);
  const store: Store = await module[place.exportName](place.options);
  t?.after(() => store.close());
  return store;
}

/** Appends an event and writes the session that goes with it. */
export async function record(store: Store, event: SessionEvent, session: Session = folded(event)): Promise<void> {
  await store.transact(async (tx) => {
    await tx.appendEvent(event);
    await tx.putSession(session);
  });
}

/** Records whole sessions at once, each by its events. */
export async function recordLives(store: Store, lives: readonly (readonly SessionEvent[])[]): Promise<void> {
  await store.transact(async (tx) => {
    for (const life of lives) {
      for (const event of life) await tx.appendEvent(event);
      await tx.putSession(folded(...life));
    }
  });
}

/** The whole log of a store of a test. */
export async function eventsIn(store: Store): Promise<SessionEvent[]> {
  return (await store.events(0, 1_000_000)).map(({ event }) => event);
}
