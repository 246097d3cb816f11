/** Owns bringing a user's own record into the machine's: it is read as it is, and sent to the service in pieces. */
import type { Config } from "../config/config.ts";
import type { MachinePlace } from "../config/machine-place.ts";
import { openReading, type RecordReading } from "../store/sqlite/reading.ts";
import type { JsonObject } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { foldSession } from "../tracker/fold.ts";
import { readSentSessions, type SentSessionRow } from "../wire/import-answer.ts";
import { importFormat, mostSessionsSent, toSentSession } from "../wire/import-form.ts";
import { createMachineLink } from "./machine-link.ts";
import { createServiceClient, type ServiceClient } from "./service-client.ts";

/** What became of the sessions of a record. */
export interface ImportReport {
  readonly sessions: number;
  readonly imported: number;
  /** On record already, with those that got a later event now. */
  readonly known: number;
  /** Left where they are: their shell may still be there. */
  readonly open: number;
  readonly refused: readonly Refusal[];
  readonly newEvents: number;
}

/** Sessions that were refused for the same reason. */
export interface Refusal {
  readonly reason: string;
  readonly sessions: number;
  /** One of them. */
  readonly example: string;
}

export interface ImportOptions {
  readonly isDryRun: boolean;
  readonly onProgress: (done: number, total: number) => void;
}

/** Below what the service takes in one body, in bytes and in elements. */
const mostBytes = 200_000;
const mostElements = 8_000;
/** Of the service; what has more alone is not sent. */
const largestBytes = 255_000;
const largestElements = 9_900;
const wayRound = "your own record stays as it is, and can be imported later";

/**
 * Sends every session that has ended. What was sent before is known there, so that it can be stopped at any time and be
 * done again.
 *
 * @throws SessionBuddyError `not_found` when there is no record, `network` when the service does not answer
 */
export async function importPersonal(
  { paths }: Pick<Config, "paths">,
  place: MachinePlace,
  options: ImportOptions,
): Promise<ImportReport> {
  const reading = await openReading(paths.database);
  if (reading === null) {
    throw new SessionBuddyError(
      "not_found",
      `there is no record at ${paths.database}, so that there is nothing to import; SESSION_BUDDY_HOME or XDG_DATA_HOME name another folder`,
    );
  }
  const client = createServiceClient(createMachineLink(place, wayRound));
  try {
    return await sendAll(reading, client, options);
  } finally {
    client.close();
    reading.close();
  }
}

async function sendAll(
  reading: RecordReading,
  client: ServiceClient,
  { isDryRun, onProgress }: ImportOptions,
): Promise<ImportReport> {
  const total = await reading.count();
  const tally = createTally();
  let batch = createBatch();
  const flush = async () => {
    if (batch.sessions.length > 0) {
      const body = { format: importFormat, dry_run: isDryRun, sessions: batch.sessions };
      const rows = readSentSessions(await client.send("import", body), batch.sessions.length);
      for (const [at, row] of rows.entries()) tally.count(row, String(batch.sessions[at]?.session_id));
    }
    batch = createBatch();
    onProgress(tally.report().sessions, total);
  };
  for await (const events of reading.sessions()) {
    if (foldSession(events)?.state === "active") {
      tally.countOpen();
      continue;
    }
    const session = toSentSession(events);
    const size = sizeOf(session);
    if (size.bytes > largestBytes || size.elements > largestElements) {
      tally.count(tooLarge, String(session.session_id));
      continue;
    }
    if (!batch.hasRoomFor(size)) await flush();
    batch.add(session, size);
  }
  await flush();
  return tally.report();
}

const tooLarge: SentSessionRow = {
  outcome: "refused",
  session_id: null,
  new_events: 0,
  reason: "it is too large to be sent",
};

interface Size {
  readonly bytes: number;
  readonly elements: number;
}

/** At least as many elements as the service will count. */
function sizeOf(session: JsonObject): Size {
  const text = JSON.stringify(session);
  const withoutTexts = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "");
  return { bytes: Buffer.byteLength(text), elements: withoutTexts.split(/[,[{]/).length };
}

function createBatch() {
  const sessions: JsonObject[] = [];
  let [bytes, elements] = [0, 0];
  return {
    sessions,
    hasRoomFor: (size: Size) =>
      sessions.length < mostSessionsSent && bytes + size.bytes <= mostBytes && elements + size.elements <= mostElements,
    add(session: JsonObject, size: Size) {
      sessions.push(session);
      bytes += size.bytes;
      elements += size.elements;
    },
  };
}

function createTally() {
  const counts = { imported: 0, known: 0, open: 0, newEvents: 0 };
  const refusals = new Map<string, { sessions: number; example: string }>();
  return {
    countOpen() {
      counts.open += 1;
    },
    count({ outcome, new_events, reason }: SentSessionRow, sessionId: string) {
      counts.newEvents += new_events;
      if (outcome !== "refused") counts[outcome] += 1;
      else {
        const alike = refusals.get(reason ?? "") ?? { sessions: 0, example: sessionId };
        refusals.set(reason ?? "", { ...alike, sessions: alike.sessions + 1 });
      }
    },
    report(): ImportReport {
      const refused = [...refusals].map(([reason, alike]) => ({ reason, ...alike }));
      const left = refused.reduce((sum, { sessions }) => sum + sessions, 0);
      return { ...counts, refused, sessions: counts.imported + counts.known + counts.open + left };
    },
  };
}
