/** `session-buddy watch`: the open sessions as they come and go, or every event as a line. */
import type { App } from "../../app/app.ts";
import { follow } from "../../app/follow.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { LoggedEvent, SessionQuery } from "../../tracker/store.ts";
import { escapeJson } from "../../wire/escape.ts";
import { toEventRow } from "../../wire/view.ts";
import { withApp } from "../context.ts";
import { toQuery } from "../input/filter.ts";
import type { WatchOptions } from "../syntax/ask.ts";
import { glyphs } from "../terminal/glyphs.ts";
import { isTerminal, printText, terminalHeight } from "../terminal/print.ts";
import { openScreen } from "../terminal/screen.ts";
import { drawSessions } from "../terminal/session-table.ts";

const usualHeight = 24;

export async function run(options: WatchOptions): Promise<void> {
  if (options.format === "table" && options.from !== undefined) {
    throw new SessionBuddyError("usage", "--from needs --format ndjson; a table shows what is open now");
  }
  if (options.format === "table" && !isTerminal()) {
    throw new SessionBuddyError(
      "usage",
      "the live table needs a terminal; use --format ndjson or 'session-buddy list'",
    );
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());
  await withApp((app) => (options.format === "ndjson" ? stream(app, options.from, stop) : live(app, options, stop)));
}

async function live(
  app: App,
  { user, loginUser, host, tty, component }: WatchOptions,
  stop: AbortController,
): Promise<void> {
  const query: SessionQuery = { ...toQuery({ user, loginUser, host, tty, component }, Date.now()), states: ["active"] };
  let isStale = true;
  let replacements = app.store.replacements();
  const screen = openScreen(() => {
    isStale = true;
  });
  try {
    for await (const events of follow(app, await app.store.lastSeq(), stop.signal)) {
      if (events.length > 0 || app.store.replacements() !== replacements) isStale = true;
      if (!isStale) continue;
      replacements = app.store.replacements();
      isStale = false;
      screen.show(await linesOf(app, query));
    }
  } finally {
    screen.close();
  }
}

/** What does not fit the terminal is counted. */
async function linesOf(app: App, query: SessionQuery): Promise<string[]> {
  const sessions = await app.store.sessions(query);
  const height = terminalHeight() ?? usualHeight;
  const head = `${sessions.length} open. Press Ctrl-C to quit.`;
  if (sessions.length === 0) return [head];
  // Beside the head and the titles, and without the line that counts where all of them fit.
  const fitting = sessions.length <= height - 2 ? sessions.length : Math.max(0, height - 3);
  const hidden = sessions.length - fitting;
  const more = hidden > 0 ? [`${glyphs().ellipsis} and ${hidden} more`] : [];
  return [head, ...drawSessions(sessions.slice(0, fitting)), ...more].slice(0, height);
}

async function stream(app: App, from: number | undefined, stop: AbortController): Promise<void> {
  for await (const events of follow(app, from ?? (await app.store.lastSeq()), stop.signal)) {
    if (events.length > 0 && !printText(events.map(toLine).join(""))) return;
  }
}

function toLine(logged: LoggedEvent): string {
  const { seq, ...row } = toEventRow(logged);
  return `${escapeJson(JSON.stringify({ seq, session_id: logged.event.sessionId, ...row }))}\n`;
}
