/** Owns which variables decide where the record lies, for programs that start without the environment of a shell. */
import { isAbsolute } from "node:path";
import type { Environment } from "./environment.ts";

/** @returns those that are set, by name; the first one alone where it is set, because it wins over the others */
export function recordPlace(env: Environment): Readonly<Record<string, string>> {
  const { SESSION_BUDDY_HOME: home } = env;
  if (home) return { SESSION_BUDDY_HOME: home };
  const names = ["XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const folder = env[name];
      return folder && isAbsolute(folder) ? [[name, folder]] : [];
    }),
  );
}

/** @returns what a service of this user has of the environment, when its unit hands on the place of the record */
export function serviceEnvironment(env: Environment): Environment {
  return { HOME: env.HOME, ...recordPlace(env) };
}
