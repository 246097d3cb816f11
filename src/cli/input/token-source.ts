/** Owns where a token is read from: standard input or a file. */
import { readFileSync } from "node:fs";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { printMessage } from "../terminal/print.ts";

/** At most this much is read of something that is not a token, in bytes. */
const mostBytes = 64 * 1024;

/**
 * Reads a token, without the line end after it.
 *
 * @param source - `-` or nothing for standard input
 * @throws SessionBuddyError `usage` for a token as argument, `storage.unavailable` when the file cannot be read
 */
export async function readToken(source: string | undefined, file: string | undefined): Promise<string> {
  if (source !== undefined && source !== "-") {
    throw new SessionBuddyError(
      "usage",
      "a token must not be an argument, because other users can see it in the process list; pass it on standard input or name a file with --file",
    );
  }
  if (source !== undefined && file !== undefined)
    throw new SessionBuddyError("usage", "use either - (standard input) or --file, not both");
  const bytes = file === undefined ? await readStandardInput("token") : readTokenFile(file);
  return bytes.toString("utf8").replace(/\r?\n$/, "");
}

/** Reads what must be no argument either, without the white space around it. @param what - as a person would say it */
export async function readSecret(what: string): Promise<string> {
  return (await readStandardInput(what)).toString("utf8").trim();
}

async function readStandardInput(what: string): Promise<Buffer> {
  if (process.stdin.isTTY) printMessage(`Paste the ${what}, then press Enter and Ctrl-D.\n`);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > mostBytes) break;
  }
  return Buffer.concat(chunks);
}

function readTokenFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const words = `the token file ${path} cannot be read: ${(error as Error).message}`;
    throw new SessionBuddyError("storage.unavailable", words, { cause: error });
  }
}
