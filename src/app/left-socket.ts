/** Owns whether a Unix socket that lies where a server is to listen was left behind by one of the same user, and may go. */
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { follow, shellWord } from "../host/trusted-path.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** What connect(2) says where there is a socket, or was a moment ago, and nobody listens on it any more. */
const nobody = new Set(["ECONNREFUSED", "ENOENT"]);
const answerMs = 2_000;

/**
 * Removes a socket that a server of this user has left behind; does nothing where there is none.
 *
 * @throws SessionBuddyError `network` with what to do where it is another's, something else, or somebody listens on it
 */
export async function removeLeftSocket(path: string): Promise<void> {
  const { stats, issue, path: place } = follow(path);
  if (issue !== null) throw refused(`${path} ${issue.words}; ${issue.remedy}`);
  if (stats === null) return;
  if (!stats.isSocket()) throw refused(`${path} is there and is not a socket; move it away`);
  const own = process.geteuid?.();
  if (stats.uid !== own) {
    throw refused(
      `the socket ${path} belongs to user id ${stats.uid}, not to ${own}; stop its server and remove it with: rm ${shellWord(place)}`,
    );
  }
  const answer = await answerOf(place);
  if (answer === "somebody") throw refused(`another server answers at the socket ${path}; stop it first`);
  if (answer !== "nobody") {
    throw refused(
      `it cannot be seen whether a server listens at the socket ${path} (${answer}); stop it, and remove the socket with: rm ${shellWord(place)}`,
    );
  }
  rmSync(place, { force: true });
}

/** @returns the error's code where it cannot be told */
function answerOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(answerMs, () => done("it takes too long"));
    socket.once("connect", () => done("somebody"));
    socket.once("error", ({ code = "unknown" }: NodeJS.ErrnoException) => done(nobody.has(code) ? "nobody" : code));
  });
}

function refused(words: string): SessionBuddyError {
  return new SessionBuddyError("network", words);
}
