/** Owns the keys file: making it, showing it, and changing which key signs. */

import { createPrivateFile, replacePrivateFile } from "../host/private-file.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readKeysFile } from "./credentials.ts";
import { formatKeySet, generateKey, type KeyAlgorithm, type StoredKey, toPublicKeySet } from "./key-set.ts";

export type KeysAlgorithm = KeyAlgorithm;

/** A key, as it is shown. */
export interface ShownKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  /** One key signs; the others verify what they signed before. */
  readonly use: "signs" | "verifies";
}

export interface RotateOptions {
  /** Of the new key; that of the key that signs by default. */
  readonly algorithm: KeyAlgorithm | undefined;
  /** Whether tokens of the old keys are refused from now on. */
  readonly drop: boolean;
}

/** Root may look after the keys of a service. */
const named = { name: "the keys file", isAdministered: true };

/** @throws SessionBuddyError `usage` when there is a file already, `storage.unavailable` when it cannot be written */
export async function createKeysFile(path: string, algorithm: KeyAlgorithm): Promise<ShownKey> {
  const key = await generateKey(algorithm);
  createPrivateFile(path, formatKeySet([key]));
  return shown(key, key.kid);
}

/** @throws SessionBuddyError `auth.secret` when the file cannot be used; so do the functions below */
export async function listKeys(path: string): Promise<readonly ShownKey[]> {
  const { keys } = await readKeysFile(path, named);
  return keys.map((key) => shown(key, signingKeyOf(keys)?.kid));
}

/** @returns a JWKS without anything that signs */
export async function exportKeys(path: string): Promise<ReturnType<typeof toPublicKeySet>> {
  return toPublicKeySet((await readKeysFile(path, named)).keys);
}

/** A new key signs from now on; of the old ones the private parts, which nobody needs any more, are removed. */
export async function rotateKeys(path: string, { algorithm, drop }: RotateOptions): Promise<readonly ShownKey[]> {
  const { file, keys } = await readKeysFile(path, named);
  const signing = signingKeyOf(keys);
  if (signing === undefined) {
    throw new SessionBuddyError(
      "usage",
      `${path} holds only public keys; rotate where the private key is, and export from there`,
    );
  }
  const fresh = await generateKey(algorithm ?? signing.algorithm);
  const old = drop ? [] : keys.map((key) => ({ ...key, privatePart: null }));
  const rotated = [fresh, ...old];
  replacePrivateFile(file, formatKeySet(rotated));
  return rotated.map((key) => shown(key, fresh.kid));
}

/**
 * Removes old keys; tokens that they signed are refused from now on.
 *
 * @throws SessionBuddyError `not_found` for a kid that is not there, `usage` for that of the key that signs
 */
export async function dropKeys(path: string, kids: readonly string[]): Promise<readonly ShownKey[]> {
  const { file, keys } = await readKeysFile(path, named);
  const missing = kids.find((kid) => !keys.some((key) => key.kid === kid));
  if (missing !== undefined) throw new SessionBuddyError("not_found", `${path} holds no key '${missing}'`);
  const signing = signingKeyOf(keys)?.kid;
  const left = keys.filter(({ kid }) => !kids.includes(kid));
  if (left.length === 0 || kids.some((kid) => kid === signing)) {
    throw new SessionBuddyError(
      "usage",
      "the signing key and the last key cannot be dropped; make a new one first: session-buddy token keys rotate",
    );
  }
  replacePrivateFile(file, formatKeySet(left));
  return left.map((key) => shown(key, signing));
}

function signingKeyOf(keys: readonly StoredKey[]): StoredKey | undefined {
  return keys.find(({ privatePart }) => privatePart !== null);
}

function shown({ kid, algorithm }: StoredKey, signing: string | undefined): ShownKey {
  return { kid, algorithm, use: kid === signing ? "signs" : "verifies" };
}
