/** Owns the key of a host that is about to be enrolled: kept before it is shown, so that it is the same when it is shown again. */
import { rmSync, statSync } from "node:fs";
import { createPrivateFile, readPrivateFile } from "../host/private-file.ts";
import { parseJson } from "../tracker/canonical.ts";
import { createHostKey, type HostKey, readHostJwk, thumbprintOf } from "./host-keys.ts";

const kind = { kind: "key", name: "the key of an enrolment that was not finished", isSecret: () => true };

/** @returns the key in the file, or a new one that is in it from here on */
export function keepPendingKey(path: string): HostKey {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    const key = createHostKey();
    createPrivateFile(path, `${JSON.stringify(key.jwk)}\n`);
    return key;
  }
  const jwk = readHostJwk(parseJson(readPrivateFile(path, kind).text), "private");
  return { kid: thumbprintOf(jwk), jwk };
}

export function dropPendingKey(path: string): void {
  rmSync(path, { force: true });
}
