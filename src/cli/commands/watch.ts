/** `session-buddy watch`: the open sessions as they come and go, or every event as a line. */
import type { Questions } from "../../app/questions.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { SessionQuery } from "../../tracker/store.ts";
import { escapeControls, escapeJson } from "../../wire/escape.ts";
import { withQuestions } from "../input/asked-record.ts";
import { toQuery } from "../input/filter.ts";
import type { WatchOptions } from "../syntax/ask.ts";
import { glyphs } from "../terminal/glyphs.ts";
import { isTerminal, printMessage, printText, terminalHeight, terminalWidth } from "../terminal/print.ts";
import { openScreen } from "../terminal/screen.ts";
import { drawSessions } from "../terminal/session-table.ts";
import { shorten } from "../terminal/width.ts";

const usualHeight = 24;
const usualWidth = 80;
/** A table of which nothing was heard is drawn anew after so long. */
const refreshMs = 30_000;

export async function run(options: WatchOptions): Promise<void> {
  const { position, url } = options.from ?? {};
  if (options.format === "table" && position !== undefined) {
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
  await withQuestions({ personal: options.personal, from: url }, (questions) =>
    options.format === "ndjson" ? stream(questions, position ?? null, stop) : live(questions, options, stop),
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
  let lines: readonly string[] = [];
  let told: string | undefined;
  let shownAtMs = 0;
  const screen = openScreen(() => {
    isStale = true;
  });
  try {
    for await (const { events, logId, away } of questions.follow(null, stop.signal)) {
      if (events.length > 0 || logId !== shownLog || away !== told) isStale = true;
      // Hosts fall silent without a word.
      if (performance.now() - shownAtMs > refreshMs) isStale = true;
      if (!isStale) continue;
      const now = away === undefined ? await linesOf(questions, query).catch(goneMeanwhile) : waiting(away, lines);
      // A record elsewhere may go between its news and the question; the next news say so.
      if (now === null) continue;
      lines = now;
      shownLog = logId;
      isStale = false;
      shownAtMs = performance.now();
      told = away;
      screen.show(lines);
    }
  } finally {
    screen.close();
  }
}

function goneMeanwhile(error: unknown): null {
  if (error instanceof SessionBuddyError && error.code === "network" && error.cause !== undefined) return null;
  throw error;
}

/** What was shown last stays, below why it may be old. */
function waiting(away: string, [, ...shown]: readonly string[]): string[] {
  return [shorten(escapeControls(`Waiting: ${away}`), terminalWidth() ?? usualWidth), ...shown];
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

async function stream(questions: Questions, from: number | null, stop: AbortController): Promise<void> {
  let told: string | undefined;
  for await (const { events, away } of questions.follow(from, stop.signal)) {
    if ((away === undefined) !== (told === undefined)) {
      printMessage(
        `session-buddy: ${away === undefined ? "it answers again" : `${escapeControls(away)}; waiting for it`}\n`,
      );
    }
    told = away;
    const lines = events.map((row) => `${escapeJson(JSON.stringify(row))}\n`);
    if (lines.length > 0 && !printText(lines.join(""))) return;
  }
}
