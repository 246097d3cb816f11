/** Owns the other side of a login file: making one in a folder that all may write to. */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { loginPrefix } from "./login-file.ts";

/** A secret, and the name of the file that holds its hash. */
export interface LoginSecret {
  readonly file: string;
  readonly secret: string;
  /** Removes the file, if nobody took it. */
  remove(): void;
}

const randomLength = 32;
/** The service reads it by its group, which the folder gives it; a hash tells nobody anything. */
const groupMayRead = 0o440;

/** @throws the file system's error when nothing can be made in the folder */
export function makeLoginSecret(folder: string): LoginSecret {
  const secret = randomBytes(randomLength).toString("base64url");
  const file = `${loginPrefix}${randomBytes(randomLength).toString("base64url")}`;
  const path = join(folder, file);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(path, flags, 0o600);
  try {
    writeSync(descriptor, createHash("sha256").update(secret).digest("hex"));
    fchmodSync(descriptor, groupMayRead);
  } finally {
    closeSync(descriptor);
  }
  return { file, secret, remove: () => rmSync(path, { force: true }) };
}
