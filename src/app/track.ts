/** Owns the calls that record a start or an end over the wire: the gate, the contract's rules, the record, a log line. */
import { callerOf, type Gate } from "../auth/gate.ts";
import { type Caller, requireRecording } from "../auth/scope.ts";
import { logFailure } from "../log.ts";
import type { Observation, ProcessIdentity } from "../tracker/event.ts";
import { instantFromMs } from "../tracker/instant.ts";
import { componentNameIn } from "../tracker/session-id.ts";
import { parseEnd, parseStart } from "../wire/parse-event.ts";
import {
  type Answered,
  type EndResult,
  ended,
  endFailed,
  type FailureCode,
  failureCodeOf,
  notFound,
  type StartResult,
  startFailed,
  tracked,
} from "../wire/result.ts";
import type { App } from "./app.ts";

/** A call of `track_session_start` or `track_session_end` that has been answered. */
export interface AnsweredCall {
  readonly eventType: "session_start" | "session_end";
  /** The component that the call names, as it was sent: only where it succeeded is it known to be one. Null for none. */
  readonly componentName: string | null;
  readonly status: StartResult["status"] | EndResult["status"];
  /** Why the status is `error`; null otherwise. */
  readonly failure: FailureCode | null;
  /** From the call to its answer. */
  readonly seconds: number;
}

/** Must not throw: it runs between a call and its answer. */
export type CallListener = (call: AnsweredCall) => void;

/** Each takes the arguments as they were sent, the token among them, and never throws. */
export interface Track {
  /** Answers `track_session_start`. */
  start(args: unknown): Promise<Answered<StartResult>>;
  /** Answers `track_session_end`. */
  end(args: unknown): Promise<Answered<EndResult>>;
}

type TrackApp = Pick<App, "log" | "machine" | "tracker">;

/**
 * @param gate - lets calls through, or not; null lets every call through
 * @param onAnswered - told of each call once it has been answered
 */
export function createTrack(app: TrackApp, gate: Gate | null, onAnswered: CallListener = () => {}): Track {
  const { log } = app;

  const told = async <R extends StartResult | EndResult>(
    call: Pick<AnsweredCall, "eventType" | "componentName">,
    work: Promise<Answered<R>>,
  ) => {
    const startedMs = performance.now();
    const answered = await work;
    const seconds = (performance.now() - startedMs) / 1000;
    onAnswered({ ...call, status: answered.answer.status, failure: answered.failure, seconds });
    return answered;
  };

  const start = async (args: unknown): Promise<Answered<StartResult>> => {
    try {
      return { answer: await trackStart(app, gate, args), failure: null };
    } catch (error) {
      logFailure(log, "Session start failed", error);
      return { answer: startFailed(error), failure: failureCodeOf(error) };
    }
  };
  const end = async (args: unknown): Promise<Answered<EndResult>> => {
    try {
      return { answer: await trackEnd(app, gate, args), failure: null };
    } catch (error) {
      logFailure(log, "Session end failed", error);
      return { answer: endFailed(argument(args, "session_id"), error), failure: failureCodeOf(error) };
    }
  };

  return {
    start: (args) => told({ eventType: "session_start", componentName: named(args) }, start(args)),
    end: (args) => told({ eventType: "session_end", componentName: namedById(args) }, end(args)),
  };
}

async function trackStart({ log, machine, tracker }: TrackApp, gate: Gate | null, args: unknown): Promise<StartResult> {
  const caller = await callerOf(gate, args);
  requireRecording(caller);
  const parsed = parseStart(args);
  const { hostname, pid, componentName, shellType } = parsed.content;
  const isLocal = hostname === machine.facts.hostname;
  const process = isLocal ? machine.identify(pid) : null;
  const { sessionId } = await tracker.start(parsed, arrival(caller, process));
  log.info("Session start tracked", {
    session_id: sessionId,
    component: componentName,
    shell_type: shellType,
    pid,
    status: "tracked",
  });
  return tracked(sessionId);
}

async function trackEnd({ log, tracker }: TrackApp, gate: Gate | null, args: unknown): Promise<EndResult> {
  const caller = await callerOf(gate, args);
  requireRecording(caller);
  const { sessionId, content } = parseEnd(args);
  const outcome = await tracker.end(sessionId, content, arrival(caller, null));
  if (outcome === "not_found") {
    log.warning("Session end for an unknown session", { session_id: sessionId, status: "not_found" });
    return notFound(sessionId);
  }
  log.info("Session end tracked", { session_id: sessionId, status: "ended" });
  return ended(sessionId);
}

/** What is seen of an event that came over the wire: it happened before, so the boot clock says nothing about it. */
function arrival(caller: Caller | null, process: ProcessIdentity | null): Observation {
  return {
    recordedAt: instantFromMs(Date.now()),
    source: { kind: "client" },
    caller: caller?.userId ?? null,
    process,
    bootClock: null,
    circumstances: null,
  };
}

function named(args: unknown): string | null {
  const name = argument(args, "component_name");
  return typeof name === "string" ? name : null;
}

function namedById(args: unknown): string | null {
  const id = argument(args, "session_id");
  return typeof id === "string" ? componentNameIn(id) : null;
}

function argument(args: unknown, name: string): unknown {
  return typeof args === "object" && args !== null ? (args as Record<string, unknown>)[name] : undefined;
}
