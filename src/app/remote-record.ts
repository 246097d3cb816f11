/** Owns the questions as they are asked of a record elsewhere. Loaded where one is asked. */
import type { RecordAddress } from "../config/record-address.ts";
import type { Questions } from "./questions.ts";
import { createRemoteLink } from "./remote-link.ts";
import { createServiceClient } from "./service-client.ts";
import { questionsOf } from "./service-questions.ts";

export interface RemoteRecord extends Questions {
  close(): void;
}

/** Nothing is sent before the first question. @throws SessionBuddyError as {@link createRemoteLink} */
export function openRemoteRecord(address: RecordAddress): RemoteRecord {
  const client = createServiceClient(createRemoteLink(address));
  return { ...questionsOf(client), close: () => client.close() };
}
