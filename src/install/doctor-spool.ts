/** Owns the part of the examination that is about the spool that the settings name: its disk, what lies in it, who serves it. */
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import type { Config } from "../config/config.ts";
import { shellWord } from "../host/trusted-path.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { attempt, type Finding, failure, listed, note, ok, problem } from "./finding.ts";
import { spoolFolder, spoolMode } from "./system/places.ts";
import { faultOfSpool, issueOfDisk } from "./system/spool-status.ts";

const check = "machine spool";
const answerMs = 2_000;
const recordedAlone = "so shells are on their users' own records alone";
const installAgain = "install it again with: sudo session-buddy install --system";

/**
 * Looks at the spool as whoever asks can. Of one that is where the installation makes it, the installation's own examination
 * tells the rest (`system/doctor-machine.ts`).
 *
 * @returns nothing where the settings name none, or it is not there
 */
export async function examineSpool({ settings }: Pick<Config, "settings">): Promise<readonly Finding[]> {
  const { spool, socket } = settings;
  if (spool === null || socket === null || !existsSync(spool)) return [];
  if (spool === spoolFolder) return rejected(spool);
  const wrong = told(() => wrongSpool(spool));
  if (wrong.length > 0) return wrong;
  return [ok(check, `shells can leave their files in ${spool}`), await service(socket), ...rejected(spool)];
}

function told(look: () => Finding | null): Finding[] {
  const finding = attempt(look);
  if (finding instanceof SessionBuddyError) return [failure(check, finding)];
  return finding === null ? [] : [finding];
}

/** @returns what keeps shells from leaving their files; null when nothing does */
function wrongSpool(path: string): Finding | null {
  const fault = faultOfSpool(path);
  if (fault === null) return wrongDisk(path);
  switch (fault.kind) {
    case "missing":
      return problem(check, `${path} is missing, ${recordedAlone}`, installAgain);
    case "no folder":
      return problem(check, `${path} is not a folder, ${recordedAlone}`, "move it away");
    case "way":
      return problem(check, `${path} ${fault.issue.words}, ${recordedAlone}`, fault.issue.remedy);
    case "mode":
      return wrongMode(path, fault.mode);
    default:
      return problem(check, `${path} does not belong to the user of the service`, installAgain);
  }
}

function wrongMode(path: string, mode: number): Finding {
  const [is, must] = [mode, spoolMode].map((bits) => bits.toString(8).padStart(4, "0"));
  return problem(check, `${path} has mode ${is}, not ${must}`, `set it with: sudo chmod ${must} ${shellWord(path)}`);
}

function wrongDisk(path: string): Finding | null {
  const issue = issueOfDisk(path);
  return issue === null ? null : problem(check, `${path} ${issue.words}, ${recordedAlone}`, issue.remedy);
}

async function service(socket: string): Promise<Finding> {
  const reason = await silenceOf(socket);
  if (reason === null) return ok("machine service", `the service of this machine's record answers at ${socket}`);
  return problem(
    "machine service",
    `the service of this machine's record does not answer at ${socket} (${reason}); what shells leave is kept until it does`,
    "see why, and start it, with: systemctl status session-buddy",
  );
}

/** @returns why nobody answers; null when somebody does */
function silenceOf(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (reason: string | null) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(answerMs, () => done("it takes too long"));
    socket.once("connect", () => done(null));
    socket.once("error", ({ message }) => done(message));
  });
}

/** For whoever may list the folder: root, and the user of the service. */
function rejected(spool: string): Finding[] {
  const names = namesIn(spool).filter((name) => name.endsWith(".rejected"));
  if (names.length === 0) return [];
  const words = `${names.length} files in ${spool} are no files of shells, and were put aside: ${listed(names)}`;
  return [note("rejected spool files", words, "see whose they are with: sudo ls -l, and remove them")];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
