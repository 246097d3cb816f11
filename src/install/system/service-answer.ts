/** Owns asking the service of the machine, by its socket, which version answers. */
import { lstatSync, type Stats } from "node:fs";
import { request } from "node:http";
import { findAccount } from "./account.ts";
import { socket } from "./places.ts";

const answerMs = 2_000;

/**
 * @param path - of its socket; of the installation by default
 * @param friend - user id of who may listen there beside root and the service's account; nobody by default
 * @returns null when nothing answers, or what is there is somebody else's, which is not asked
 */
export function versionThatAnswers(path = socket, friend: number | null = null): Promise<string | null> {
  const stats = lookAt(path);
  if (!stats?.isSocket() || ![0, friend, findAccount()?.uid].includes(stats.uid)) return Promise.resolve(null);
  return new Promise((resolve) => {
    const asked = request({ socketPath: path, path: "/health", timeout: answerMs }, async (response) => {
      try {
        resolve(versionIn(Buffer.concat(await response.toArray()).toString("utf8")));
      } catch {
        resolve(null);
      }
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", () => resolve(null));
    asked.end();
  });
}

function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

function versionIn(text: string): string | null {
  const { version }: { version?: unknown } = JSON.parse(text);
  return typeof version === "string" ? version : null;
}
