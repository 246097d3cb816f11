/** Owns the knowledge which calls are under way, so that a server that stops can answer them first. */
import type { Service } from "./server.ts";

export interface RunningCalls {
  /** What the server offers, each call and each reading followed to its end. */
  readonly service: Service;
  /** Resolves when no call is under way, and what was answered has been written. */
  done(): Promise<void>;
}

export function followCalls({ tools, resources, version }: Service): RunningCalls {
  const running = new Set<Promise<unknown>>();
  const follow = <T>(call: Promise<T>): Promise<T> => {
    running.add(call);
    return call.finally(() => running.delete(call));
  };
  return {
    service: {
      tools: new Map([...tools].map(([name, tool]) => [name, { ...tool, run: (args) => follow(tool.run(args)) }])),
      resources: { ...resources, read: (uri, meta) => follow(resources.read(uri, meta)) },
      version,
    },
    async done() {
      while (running.size > 0) await Promise.allSettled(running);
      // The answers are written in the turn after the calls are done.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
