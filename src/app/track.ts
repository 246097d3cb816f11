/** Owns what is told of calls over the wire, for whoever counts them. For `app.ts`, and its types for `server/`. */

import { componentNameIn } from "../tracker/session-id.ts";
import { type EndResult, type FailureCode, failureOf, type StartResult } from "../wire/result.ts";

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

/** Gives the result back, and tells of it. */
type Answered = <R extends StartResult | EndResult>(result: R) => R;

interface Calls {
  listen(listener: CallListener): void;
  /** @param componentName - the argument as it was sent, of whatever type */
  start(componentName: unknown): Answered;
  /** @param sessionId - the argument as it was sent, of whatever type */
  end(sessionId: unknown): Answered;
}

export function createCalls(): Calls {
  let tell: CallListener = () => {};
  const begin = (eventType: AnsweredCall["eventType"], componentName: string | null): Answered => {
    const startedMs = performance.now();
    return (result) => {
      const seconds = (performance.now() - startedMs) / 1000;
      tell({ eventType, componentName, status: result.status, failure: failureOf(result), seconds });
      return result;
    };
  };
  return {
    listen(listener) {
      tell = listener;
    },
    start: (componentName) => begin("session_start", typeof componentName === "string" ? componentName : null),
    end: (sessionId) => begin("session_end", typeof sessionId === "string" ? componentNameIn(sessionId) : null),
  };
}
