/** Owns where a database is: an address without a password becomes what the driver takes. */
import { readFileSync } from "node:fs";
import { readPrivateFile } from "../../host/private-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";

export interface Address {
  /** For messages: without user and password. */
  readonly place: string;
  /** The driver's options. */
  readonly connection: Readonly<Record<string, unknown>>;
}

const schemes = new Set(["postgres:", "postgresql:"]);
/** As libpq has them; what else is given is refused, so that nothing is believed to be in force that is not. */
const known = new Set(["host", "sslmode", "sslrootcert", "sslcert", "sslkey", "options"]);

/**
 * Reads an address as libpq has it: `postgres://user@host:5432/database`, or `postgres:///database?host=/run/postgresql`
 * for a socket.
 *
 * A connection that leaves the machine is encrypted, and the server's certificate must be that of its name, unless the
 * address says `sslmode=disable`. `sslrootcert` names a file with the authorities to trust, by default those of Node.js.
 *
 * @param passwordFile - null where the driver is to find a password: in PGPASSWORD or ~/.pgpass
 * @throws SessionBuddyError `usage` for an address that is none, or has a password in it; `auth.secret` for the file
 */
export function parseAddress(text: string, passwordFile: string | null): Address {
  const url = urlOf(text);
  for (const name of url.searchParams.keys()) {
    if (!known.has(name)) throw refused(`it has '${name}', which is not known; known are ${[...known].join(", ")}`);
  }
  if (url.password !== "") {
    throw refused("it has a password; put that into a file (store_password_file), PGPASSWORD or ~/.pgpass");
  }
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, "");
  const database = decodeURIComponent(url.pathname.slice(1));
  const options = url.searchParams.get("options");
  return {
    place: `${host}${url.port === "" ? "" : `:${url.port}`}/${database}`,
    connection: {
      host,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      ...(database === "" ? {} : { database }),
      ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
      ...(passwordFile === null ? {} : { password: passwordIn(passwordFile) }),
      ...(options === null ? {} : { options }),
      ssl: encryption(host, url.searchParams),
    },
  };
}

/** As passwords are written by hand and by programs: one line. */
function passwordIn(path: string): string {
  const { text } = readPrivateFile(path, { kind: "password file", name: "store_password_file", isSecret: () => true });
  return text.replace(/\r?\n$/, "");
}

/** libpq takes a user without a host, which a URL may not have. */
function urlOf(text: string): URL {
  const whole = text.replace(/^(\w+:\/\/(?:[^/?#@]*@)?)(?=[/?#]|$)/, "$1localhost");
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || !schemes.has(url.protocol)) {
    throw refused("an address such as postgres://user@host/database is needed");
  }
  return url;
}

function refused(why: string): SessionBuddyError {
  return new SessionBuddyError("usage", `the setting 'store': ${why}`);
}

/** `require` and its like promise less than what is done here: the certificate is always verified. */
function encryption(host: string, parameters: URLSearchParams): false | Readonly<Record<string, unknown>> {
  const mode = parameters.get("sslmode");
  if (mode === "disable" || (mode === null && staysHere(host))) return false;
  const file = (name: string) => {
    const path = parameters.get(name);
    return path === null ? undefined : textOf(name, path);
  };
  return { rejectUnauthorized: true, ca: file("sslrootcert"), cert: file("sslcert"), key: file("sslkey") };
}

function textOf(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw refused(`its ${name} cannot be read: ${(error as Error).message}`);
  }
}

/** A socket, or an address of this machine. */
function staysHere(host: string): boolean {
  return host.startsWith("/") || host === "localhost" || host === "::1" || /^127\./.test(host);
}
