/** Owns following the store's log, whoever writes it, as `metrics.ts` needs it; for that file alone. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { App } from "../../app/app.ts";
import type { LoggedChange } from "../../tracker/store.ts";

/** Changes that are read at once; after them the server's other work gets its turn. */
const page = 500;

/**
 * Reads what is new and tells of it, each change once; a read that fails goes on from there the next time. Must not run
 * twice at a time.
 *
 * @param position - in the log; what lies behind it is new
 */
export function createLogReader(
  app: Pick<App, "changes">,
  position: number,
  tell: (change: LoggedChange) => void,
): () => Promise<void> {
  let after = position;
  return async () => {
    for (let isMore = true; isMore; ) {
      const changes = await app.changes(after, page);
      for (const change of changes) tell(change);
      after = changes.at(-1)?.seq ?? after;
      isMore = changes.length === page;
      if (isMore) await nextTurn();
    }
  };
}
