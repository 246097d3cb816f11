/** Owns the way to a record elsewhere: its address, who answers there, a token, and what to do when that fails. */
import type { RecordAddress, RecordToken } from "../config/record-address.ts";
import { readPrivateFile } from "../host/private-file.ts";
import { createSecureClient } from "../host/secure-client.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type ServiceLink, silenceMs } from "./service-client.ts";

/** As the gate of a server has it. */
const tokenPattern = /^[\x21-\x7e]{1,16384}$/;
const mayPass = "; --personal asks your own record";

/** @throws SessionBuddyError `usage` for an address or pin that cannot be, `network` for a file of authorities that cannot be read */
export function createRemoteLink({ url, token, pin, caFile }: RecordAddress): ServiceLink {
  const client = createSecureClient({ url, pin, caFile, silenceMs });
  const name = `the record at ${new URL(url).origin}`;
  return {
    name,
    otherVersion: "update the older one of the two",
    async open({ path, method, headers, body, signal }) {
      try {
        return await client.stream({
          path,
          method,
          headers,
          ...(body === undefined ? {} : { body }),
          ...(signal === undefined ? {} : { signal }),
        });
      } catch (error) {
        throw unreached(error, pin !== null);
      }
    },
    token: async () => (token === null ? null : readToken(token)),
    refusal: (status, words) => refusal({ name, status, words, token }),
    close: () => client.close(),
  };
}

/** Read again for each connection that needs one, so that a token can be replaced under a program that goes on. */
function readToken(token: RecordToken): string {
  const text = "text" in token ? token.text : textOf(token.file);
  const trimmed = text.replace(/\r?\n$/, "");
  if (tokenPattern.test(trimmed)) return trimmed;
  const where = "text" in token ? token.name : `the token file ${token.file} (${token.name})`;
  throw new SessionBuddyError(
    "auth.secret",
    `${where} holds no token; make one with 'session-buddy token' at the server`,
  );
}

function textOf(file: string): string {
  return readPrivateFile(file, { kind: "token file", name: "from_token_file", isSecret: () => true }).text;
}

const nextSteps: Readonly<Record<string, string>> = {
  ECONNREFUSED: "start its server, or correct the address",
  ENOTFOUND: "correct the address",
  EAI_AGAIN: "try again when names can be looked up",
  DEPTH_ZERO_SELF_SIGNED_CERT: "set from_pin or from_ca_file",
  SELF_SIGNED_CERT_IN_CHAIN: "set from_pin or from_ca_file",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "set from_pin or from_ca_file",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "set from_pin or from_ca_file",
  CERT_HAS_EXPIRED: "renew it there",
  ERR_TLS_CERT_ALTNAME_INVALID: "use the name of the certificate, or set from_pin",
};

/** What is sent is of no use to anybody where it is known who answers; the token is sent to nobody else. */
function unreached(error: unknown, isPinned: boolean): unknown {
  if (!(error instanceof SessionBuddyError) || error.code !== "network") return error;
  const { code = "" } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const isOtherKey = isPinned && /pinned/.test(error.message);
  const step = isOtherKey
    ? "where its key was replaced, set from_pin anew"
    : (nextSteps[code] ?? "'session-buddy doctor' says more");
  return new SessionBuddyError("network", `${error.message}; ${step}${mayPass}`, { cause: error.cause });
}

interface Refused {
  readonly name: string;
  readonly status: number;
  readonly words: string;
  readonly token: RecordToken | null;
}

function refusal({ name, status, words, token }: Refused): SessionBuddyError {
  switch (status) {
    case 400:
      return / Unexpected argument/.test(words)
        ? new SessionBuddyError(
            "network",
            `${name} is of an earlier version, which does not know this: ${words}; update it`,
          )
        : new SessionBuddyError("invalid", words);
    case 401:
      return new SessionBuddyError(token === null ? "auth.missing" : "auth.invalid", wordsForToken(name, words, token));
    case 403:
      return new SessionBuddyError("auth.scope", `${name} refuses: ${words}`);
    case 429:
      return new SessionBuddyError("network", `${name} refuses: ${words}`, { cause: new Error(`status ${status}`) });
    default:
      return new SessionBuddyError("network", `${name} cannot answer now: ${words}; its log says more${mayPass}`, {
        ...(status >= 500 ? { cause: new Error(`status ${status}`) } : {}),
      });
  }
}

function wordsForToken(name: string, words: string, token: RecordToken | null): string {
  if (token === null) {
    return `${name} needs a token: put one that 'session-buddy token' made there into a file of mode 0600 and set from and from_token_file, or into SESSION_BUDDY_FROM_TOKEN`;
  }
  const where = "text" in token ? token.name : token.file;
  return `${name} refuses the token of ${where}: ${words}; 'session-buddy token verify' says why, there`;
}
