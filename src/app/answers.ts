/** Owns the answers to questions over the wire: the gate, the rules, the question, the answer's JSON. */
import { callerOf, type Gate } from "../auth/gate.ts";
import { readableBy } from "../auth/scope.ts";
import { logFailure } from "../log.ts";
import { formatInstant, instantFromMs } from "../tracker/instant.ts";
import type { StatsKey, StatsRow } from "../tracker/store.ts";
import {
  type ParsedSearch,
  parseActiveSearch,
  parseSearch,
  parseSessionId,
  parseStats,
  parseTimeline,
} from "../wire/parse-question.ts";
import { type Answered, failureCodeOf, questionError } from "../wire/result.ts";
import { toJsonRow, toStatsRow } from "../wire/view.ts";
import type { App } from "./app.ts";
import type { OwnQuestions, Questions, SessionRecord } from "./questions.ts";
import { scoped } from "./scoped.ts";
import { timeline } from "./timeline.ts";

/** A bare object: `status`, `error`, `as_of`, and the data, whose keys are there whatever the status. */
export type Answer = Readonly<Record<string, unknown>> & {
  readonly status: "ok" | "not_found" | "error";
  readonly error: string | null;
};

type Data = Readonly<Record<string, unknown>>;

/** Each takes the arguments as they were sent, the token among them, and never throws. */
export interface Answers {
  activeSessions(args: unknown): Promise<Answered<Answer>>;
  search(args: unknown): Promise<Answered<Answer>>;
  session(args: unknown): Promise<Answered<Answer>>;
  explanation(args: unknown): Promise<Answered<Answer>>;
  stats(args: unknown): Promise<Answered<Answer>>;
  timeline(args: unknown): Promise<Answered<Answer>>;
  /**
   * The data of {@link Answers.session}, for a caller who has no status to read.
   *
   * @returns null when nothing has this id
   * @throws SessionBuddyError `auth.*`, `storage.*`
   */
  resource(sessionId: string, token: unknown): Promise<Data | null>;
}

/** @param gate - lets calls through, or not; null lets every call through */
export function createAnswers(app: Pick<App, "log">, gate: Gate | null, questions: OwnQuestions): Answers {
  const asked = async (args: unknown, ask: (questions: Questions) => Promise<Data | null>): Promise<Data | null> => {
    try {
      return await ask(scoped(questions, readableBy(await callerOf(gate, args))));
    } catch (error) {
      logFailure(app.log, "Question failed", error);
      throw error;
    }
  };

  /** @param blank - the data of an answer that has none */
  const answer = async (
    args: unknown,
    blank: Data,
    ask: (questions: Questions) => Promise<Data | null>,
  ): Promise<Answered<Answer>> => {
    try {
      const data = await asked(args, ask);
      const status = data === null ? "not_found" : "ok";
      return { answer: { status, error: null, as_of: now(), ...(data ?? blank) }, failure: null };
    } catch (error) {
      const answer: Answer = { status: "error", error: questionError(error), as_of: now(), ...blank };
      return { answer, failure: failureCodeOf(error) };
    }
  };
  const page = (args: unknown, parse: (args: unknown) => ParsedSearch) =>
    answer(args, { sessions: [], next_cursor: null }, async (questions) => {
      const { query, limit, cursor } = parse(args);
      const { sessions, nextCursor } = await questions.page(query, limit, cursor);
      return { sessions: sessions.map(toJsonRow), next_cursor: nextCursor };
    });

  return {
    activeSessions: (args) => page(args, parseActiveSearch),
    search: (args) => page(args, parseSearch),
    session: (args) =>
      answer(args, { session: null, events: [] }, async (questions) =>
        dataOf(await questions.record(parseSessionId(args))),
      ),
    resource: (sessionId, token) =>
      asked({ token }, async (questions) => {
        const record = await questions.record(sessionId);
        return record === null ? null : { as_of: now(), ...record };
      }),
    explanation: (args) =>
      answer(args, { explanation: null }, async (questions) => {
        const explanation = await questions.explain(parseSessionId(args));
        return explanation === null ? null : { explanation };
      }),
    stats: (args) =>
      answer(args, { by: null, groups: [], omitted: 0 }, async (questions) => {
        const { by, query, limit } = parseStats(args);
        return toGroups(by, (await questions.stats(by, query)).rows, limit);
      }),
    timeline: (args) =>
      answer(args, blankTimeline, async (questions) => timeline(questions, parseTimeline(args), Date.now())),
  };
}

const blankTimeline = { since: null, until: null, by: null, lines: [], omitted: 0, complete: false };

function dataOf(record: SessionRecord | null): Data | null {
  return record === null ? null : { ...record };
}

/** Days come in their order, and the latest are asked for most; all else comes with the greatest first. */
function toGroups(by: StatsKey, rows: readonly StatsRow[], limit: number): Data {
  const groups = by === "day" ? rows.slice(-limit) : rows.slice(0, limit);
  return { by, groups: groups.map(toStatsRow), omitted: rows.length - groups.length };
}

function now(): string {
  return formatInstant(instantFromMs(Date.now()));
}
