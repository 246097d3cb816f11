/** `session-buddy watch`: the open sessions as they come and go, or every event as a line. */
import type { Questions } from "../../app/questions.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { SessionQuery } from "../../tracker/store.ts";
import { escapeJson } from "../../wire/escape.ts";
import { withQuestions } from "../input/asked-record.ts";
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
  await withQuestions(options, (questions) =>
    options.format === "ndjson" ? stream(questions, options.from, stop) : live(questions, options, stop),
  );
}

async function live(
  questions: Questions,
  { user, loginUser, host, tty, component }: WatchOptions,
  stop: AbortController,
): Promise<void> {
  const query: SessionQuery = { ...toQuery({ user, loginUser, host, tty, component }, Date.now()), states: ["active"] };
  let isStale = true;
  let shownLog = "";
  const screen = openScreen(() => {
    isStale = true;
  });
  try {
    for await (const { events, logId } of questions.follow(null, stop.signal)) {
      if (events.length > 0 || logId !== shownLog) isStale = true;
      if (!isStale) continue;
      shownLog = logId;
      isStale = false;
      screen.show(await linesOf(questions, query));
    }
  } finally {
    screen.close();
  }
}

/** What does not fit the terminal is counted. */
async function linesOf(questions: Questions, query: SessionQuery): Promise<string[]> {
  const { sessions } = await questions.page(query, null, null);
  const height = terminalHeight() ?? usualHeight;
  const head = `${sessions.length} open. Press Ctrl-C to quit.`;
  if (sessions.length === 0) return [head];
  // Beside the head and the titles, and without the line that counts where all of them fit.
  const fitting = sessions.length <= height - 2 ? sessions.length : Math.max(0, height - 3);
  const hidden = sessions.length - fitting;
  const more = hidden > 0 ? [`${glyphs().ellipsis} and ${hidden} more`] : [];
  return [head, ...drawSessions(sessions.slice(0, fitting)), ...more].slice(0, height);
}

async function stream(questions: Questions, from: number | undefined, stop: AbortController): Promise<void> {
  for await (const { events } of questions.follow(from ?? null, stop.signal)) {
    const lines = events.map((row) => `${escapeJson(JSON.stringify(row))}\n`);
    if (lines.length > 0 && !printText(lines.join(""))) return;
  }
}
