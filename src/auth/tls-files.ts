/** Owns the certificate and the key that a server shows: read from files, and read again when they were renewed. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { readPrivateFile } from "../host/private-file.ts";
import { pinOf } from "../host/secure-target.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

export interface TlsFiles {
  /** PEM, the server's own certificate first; for everybody to read. */
  readonly certificateFile: string;
  /** PEM, for nobody else. */
  readonly keyFile: string;
  /** Where systemd has put them; undefined for nowhere. */
  readonly credentialsFolder: string | undefined;
}

/** What was read of both. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  /** By which hosts know the server. */
  readonly pin: string;
  /** As the certificate has it. */
  readonly expiresAt: Date;
}

export interface RenewedTls {
  current(): TlsMaterial;
  /**
   * Reads the files again. What cannot be used is left aside, and what was read before stays.
   *
   * @param isForced - also where they look as they did
   * @returns whether something else was read
   * @throws SessionBuddyError `auth.secret`; of the same files once
   */
  refresh(isForced: boolean): boolean;
  /** Tells of what takes the place of what was read before. */
  onChange(listener: (material: TlsMaterial) => void): void;
}

/**
 * @param settings - the two files as they are set; none is plain HTTP
 * @returns null for none
 * @throws SessionBuddyError `usage` when only one of them is set
 */
export function tlsFilesOf(
  settings: { readonly tls_certificate_file: string | null; readonly tls_key_file: string | null },
  credentialsFolder: string | undefined,
): TlsFiles | null {
  const { tls_certificate_file: certificateFile, tls_key_file: keyFile } = settings;
  if (certificateFile === null && keyFile === null) return null;
  if (certificateFile !== null && keyFile !== null) return { certificateFile, keyFile, credentialsFolder };
  throw new SessionBuddyError(
    "usage",
    "TLS needs both a certificate and its key: tls_certificate_file and tls_key_file",
  );
}

/** @throws SessionBuddyError `auth.secret` when they cannot be read, are open to others, or do not belong together */
export function readTls({ certificateFile, keyFile, credentialsFolder }: TlsFiles): TlsMaterial {
  const kind = { credentialsFolder, isSecret: (text: string) => text.includes("PRIVATE KEY-----") };
  const certificate = readPrivateFile(certificateFile, {
    ...kind,
    kind: "certificate",
    name: "tls_certificate_file",
  }).text;
  const isSecret = () => true;
  const key = readPrivateFile(keyFile, { ...kind, isSecret, kind: "TLS key", name: "tls_key_file" }).text;
  try {
    const first = new X509Certificate(certificate);
    if (!first.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not that of the certificate");
    const pin = pinOf(first.publicKey.export({ type: "spki", format: "der" }));
    return { certificate, key, pin, expiresAt: first.validToDate };
  } catch (error) {
    // What the library says repeats nothing of them.
    const words = `the certificate ${certificateFile} and the key ${keyFile} cannot be used: ${(error as Error).message}`;
    throw new SessionBuddyError("auth.secret", words, { cause: error });
  }
}

/** @throws SessionBuddyError as {@link readTls} */
export function createRenewedTls(files: TlsFiles): RenewedTls {
  let seen = stampOf(files);
  let material = readTls(files);
  const listeners: ((material: TlsMaterial) => void)[] = [];
  return {
    current: () => material,
    refresh(isForced) {
      const stamp = stampOf(files);
      if (stamp === seen && !isForced) return false;
      seen = stamp;
      const read = readTls(files);
      const isOther = read.certificate !== material.certificate || read.key !== material.key;
      material = read;
      if (isOther) for (const listener of listeners) listener(material);
      return isOther;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

/** Changes with the files, also when a link leads to others. */
function stampOf({ certificateFile, keyFile }: TlsFiles): string {
  return [certificateFile, keyFile]
    .map((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return `${stats?.ino}:${stats?.mtimeMs}:${stats?.size}`;
    })
    .join(" ");
}
