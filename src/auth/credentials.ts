/** Owns how secrets and keys become what tokens are signed and verified with, and the gate they open. Loaded only where tokens are. */

import { type PrivateFile, type PrivateFileKind, readPrivateFile } from "../host/private-file.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { createGate, type Gate } from "./gate.ts";
import { holdsPrivatePart, importPrivate, importPublic, parseKeySet, type StoredKey } from "./key-set.ts";
import { type Credentials, importSecret, type TokenKey } from "./token-key.ts";

/** Where secrets and keys are to be found, as the environment says; what is undefined is unset. */
export interface CredentialSources {
  readonly secret: string | undefined;
  readonly secretFile: string | undefined;
  readonly previousSecrets: string | undefined;
  readonly previousSecretsFile: string | undefined;
  readonly keysFile: string | undefined;
  /** Folder in which systemd hands credentials to a service (systemd.exec(5)). */
  readonly credentialsFolder: string | undefined;
}

const always = () => true;

/** @returns the gate of a server; null when neither a secret nor keys are set: authentication is off */
export async function openGate(sources: CredentialSources, issuers: readonly string[]): Promise<Gate | null> {
  const credentials = await openCredentials(sources);
  return credentials === null ? null : createGate({ keys: credentials.verifying, issuers, now: Date.now });
}

/** A gate whose secrets and keys can be read again while calls go through it. */
export interface ReloadableGate {
  readonly gate: Gate;
  /**
   * From here on what the files say now counts; when it fails, what was read last.
   *
   * @throws SessionBuddyError `auth.secret`
   */
  reload(): Promise<void>;
}

/** @returns null when neither a secret nor keys are set; that cannot change while the server runs */
export async function openReloadableGate(
  sources: CredentialSources,
  issuers: readonly string[],
): Promise<ReloadableGate | null> {
  const first = await openGate(sources, issuers);
  if (first === null) return null;
  let current = first;
  return {
    gate: (token) => current(token),
    async reload() {
      // What is set in the environment stays set, so that there is a gate again.
      current = (await openGate(sources, issuers)) ?? current;
    },
  };
}

/**
 * Reads and imports every secret and key, once. A private key signs before the secret does, so that a server moves from
 * the one to the other without a day on which tokens of neither are accepted.
 *
 * @returns null when nothing is set: authentication is off
 * @throws SessionBuddyError `auth.secret` when one is empty, too short, no key, or in a file that others can read
 */
export async function openCredentials(sources: CredentialSources): Promise<Credentials | null> {
  const current = await importCurrentSecret(sources);
  const stored = await readKeys(sources);
  const previous = await importPreviousSecrets(sources);
  if (current === null && stored.length === 0) {
    if (previous.length === 0) return null;
    throw new SessionBuddyError(
      "auth.secret",
      "there are previous secrets but no current one; set SESSION_BUDDY_SECRET or SESSION_BUDDY_KEYS_FILE too",
    );
  }
  const publicKeys = await Promise.all(stored.map(importPublic));
  const privateKeys = await Promise.all(stored.map(importPrivate));
  return {
    signing: privateKeys.find((key) => key !== null) ?? current,
    verifying: [...publicKeys, ...(current === null ? [] : [current]), ...previous],
  };
}

/** @throws SessionBuddyError `auth.secret` */
async function readKeys({ keysFile, credentialsFolder }: CredentialSources): Promise<readonly StoredKey[]> {
  if (keysFile === undefined) return [];
  return (await readKeysFile(keysFile, { name: "SESSION_BUDDY_KEYS_FILE", credentialsFolder })).keys;
}

/**
 * Reads a file of keys, which others may look into when it holds public ones alone.
 *
 * @param file - what is known of it before
 * @throws SessionBuddyError `auth.secret`
 */
export async function readKeysFile(
  path: string,
  file: Omit<PrivateFileKind, "kind" | "isSecret">,
): Promise<{ readonly file: PrivateFile; readonly keys: readonly StoredKey[] }> {
  const read = readPrivateFile(path, { ...file, kind: "keys file", isSecret: holdsPrivatePart });
  return { file: read, keys: await parseKeySet(read.text, `the keys file ${path}`) };
}

/** The variable wins over the file, which is not even read then. */
async function importCurrentSecret(sources: CredentialSources): Promise<TokenKey | null> {
  const { secret, secretFile, credentialsFolder } = sources;
  if (secret !== undefined) {
    return importSecret(bytesOf(secret, "SESSION_BUDDY_SECRET"), "the secret", "SESSION_BUDDY_SECRET");
  }
  if (secretFile === undefined) return null;
  const bytes = readSecretFile(secretFile, "SESSION_BUDDY_SECRET_FILE", credentialsFolder);
  return importSecret(withoutLineEnd(bytes), "the secret", `the secret in ${secretFile}`);
}

async function importPreviousSecrets(sources: CredentialSources): Promise<readonly TokenKey[]> {
  const { previousSecrets: text, previousSecretsFile: path, credentialsFolder } = sources;
  if (text !== undefined) return importSecrets(listed(text), "SESSION_BUDDY_PREVIOUS_SECRETS");
  if (path === undefined) return [];
  return importSecrets(linesOf(readSecretFile(path, "SESSION_BUDDY_PREVIOUS_SECRETS_FILE", credentialsFolder)), path);
}

function importSecrets(secrets: readonly Buffer[], source: string): Promise<readonly TokenKey[]> {
  return Promise.all(
    secrets.map((secret, at) => importSecret(secret, `previous secret ${at + 1}`, `secret ${at + 1} of ${source}`)),
  );
}

/** @throws SessionBuddyError `auth.secret` when there are commas, and nothing between them */
function listed(text: string): readonly Buffer[] {
  const name = "SESSION_BUDDY_PREVIOUS_SECRETS";
  const secrets = text.split(/[\s,]+/).filter((secret) => secret !== "");
  if (secrets.length === 0 && text.includes(",")) {
    throw new SessionBuddyError("auth.secret", `${name} holds commas but no secret; unset it, or put the secrets in`);
  }
  return secrets.map((secret) => bytesOf(secret, name));
}

function readSecretFile(path: string, name: string, credentialsFolder: string | undefined): Buffer {
  return readPrivateFile(path, { kind: "secret file", name, isSecret: always, credentialsFolder }).bytes;
}

/** Stands in a variable for bytes that are no UTF-8: what they were cannot be told any more. */
const replacement = "\uFFFD";

function bytesOf(text: string, name: string): Buffer {
  if (!text.includes(replacement)) return Buffer.from(text);
  throw new SessionBuddyError(
    "auth.secret",
    `${name} is not UTF-8; put bytes that are not into a file, and set ${name}_FILE to its path`,
  );
}

const [lineFeed, carriageReturn] = [0x0a, 0x0d];

function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== lineFeed) return bytes;
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1);
}

/** @returns the lines that are not empty, each without its end */
function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, from);
    const next = end === -1 ? bytes.length : end + 1;
    lines.push(withoutLineEnd(bytes.subarray(from, next)));
    from = next;
  }
  return lines.filter((line) => line.length > 0);
}
