/** Owns the part of the examination that is about the record elsewhere that the settings name: whether it answers, and to whom. */
import { createRemoteLink } from "../app/remote-link.ts";
import { createServiceClient, readAnswer, type ServiceLink } from "../app/service-client.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { type RecordAddress, recordAddress } from "../config/record-address.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readPage } from "../wire/read-answer.ts";
import { attempt, type Finding, failure, note, ok, problem, settled } from "./finding.ts";

const check = "record elsewhere";
/** Beyond it, ages are wrong and tokens may be refused. */
const mostSkewMs = 30_000;

/** @returns nothing where the settings name none */
export async function examineFrom(
  config: Pick<Config, "settings">,
  env: Environment,
  version: string,
): Promise<readonly Finding[]> {
  const { from_token_file, from_pin, from_ca_file } = config.settings;
  const address = recordAddress(config, env, undefined);
  if (address === null) {
    const isUseless = [from_token_file, from_pin, from_ca_file].some((one) => one !== null);
    return isUseless
      ? [note(check, "from_token_file, from_pin or from_ca_file is set, and from is not", "set from")]
      : [];
  }
  const link = attempt(() => createRemoteLink(address));
  if (link instanceof SessionBuddyError) return [failure(check, link)];
  try {
    return await examineLink(link, address, version);
  } finally {
    link.close();
  }
}

async function examineLink(link: ServiceLink, { url, token }: RecordAddress, version: string): Promise<Finding[]> {
  const seen = await settled(lookAt(link));
  if (seen instanceof SessionBuddyError) return [failure(check, seen)];
  const client = createServiceClient(link);
  const page = await settled(client.ask("sessions?limit=1", readPage));
  if (page instanceof SessionBuddyError) return [failure(check, page)];
  const who = token === null ? "without a token" : `with the token of ${token.name}`;
  return [
    ok(check, `${url} answers ${who}, as version ${seen.version}`),
    ...olderOne(seen.version, version),
    ...skewed(seen.skewMs),
  ];
}

interface Seen {
  readonly version: string;
  /** How far its clock is ahead of this machine's, in milliseconds; null where it does not say. */
  readonly skewMs: number | null;
}

async function lookAt(link: ServiceLink): Promise<Seen> {
  const response = await link.open({ path: "/health", method: "GET", headers: {} });
  const { date } = response.headers;
  const answer = (await readAnswer(response, link)) as { readonly version?: unknown } | null;
  const saidMs = Date.parse(date ?? "");
  return {
    version: typeof answer?.version === "string" ? answer.version : "unknown",
    skewMs: Number.isNaN(saidMs) ? null : saidMs - Date.now(),
  };
}

function olderOne(theirs: string, ours: string): Finding[] {
  if (theirs === ours) return [];
  return [note(check, `this program is version ${ours}, and that one ${theirs}`, "update the older one of the two")];
}

function skewed(skewMs: number | null): Finding[] {
  if (skewMs === null || Math.abs(skewMs) <= mostSkewMs) return [];
  const words = `its clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
  return [
    problem(check, `${words}, so that ages are wrong and tokens may be refused`, "set both clocks, by NTP for example"),
  ];
}
