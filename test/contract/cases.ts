/** The timestamps and metadata that break the contract, which both tools refuse alike (contract sections 1 and 3). */

export interface RefusedCase {
  readonly name: string;
  /** What differs from arguments that keep every rule; undefined leaves the field out. */
  readonly changes: Readonly<Record<string, unknown>>;
  /** The answer's sentence after its prefix. */
  readonly sentence: string;
}

const example = "expected format: 2026-02-06T12:34:56.789Z";
const timestampsWithoutT = ["", "2026-02-06", "2026-02-06 12:34:56Z", "2026-02-06t12:34:56Z", "yesterday"];
const timestampsThatAreWrong = [
  "2026-02-06T12:34:56",
  "2026-02-06T12:34Z",
  "2026-02-06T12:34:56z",
  "2026-02-06T12:34:56.Z",
  "2026-02-06T12:34:56.1234567890Z",
  "2026-02-06T12:34:56,5Z",
  "2026-02-06T12:34:56+00",
  "2026-02-06T12:34:56+0000",
  "2026-02-06T12:34:67Z",
  "2026-13-06T12:34:56Z",
  "2026-02-29T12:34:56Z",
  "2026-02-06T24:00:00Z",
  "2026-02-06T12:34:56+99:99",
  "2026-02-06T12:34:56Z\n",
  " 2026-02-06T12:34:56Z",
  "T",
];

export const refusedTimestamps: readonly RefusedCase[] = [
  { name: "no timestamp", changes: { timestamp: undefined }, sentence: "timestamp: Field required" },
  { name: "a number as timestamp", changes: { timestamp: 1_770_381_296 }, sentence: wrongType("timestamp", "string") },
  { name: "null as timestamp", changes: { timestamp: null }, sentence: wrongType("timestamp", "string") },
  ...timestampsWithoutT.map((timestamp) => ({
    name: `timestamp ${JSON.stringify(timestamp)}`,
    changes: { timestamp },
    sentence: `Invalid ISO 8601 timestamp: ${timestamp} (missing time component, ${example})`,
  })),
  ...timestampsThatAreWrong.map((timestamp) => ({
    name: `timestamp ${JSON.stringify(timestamp)}`,
    changes: { timestamp },
    sentence: `Invalid ISO 8601 timestamp: ${timestamp} (${example})`,
  })),
];

const largestMetadataBytes = 16_384;

/** @returns metadata of so many bytes as JSON */
export function metadataOf(bytes: number): Record<string, string> {
  return { a: "x".repeat(bytes - '{"a":""}'.length) };
}

export const largestMetadata = metadataOf(largestMetadataBytes);

export const refusedMetadata: readonly RefusedCase[] = [
  ...["text", 5, true, ["a"]].map((metadata) => ({
    name: `metadata ${JSON.stringify(metadata)}`,
    changes: { metadata },
    sentence: wrongType("metadata", "object"),
  })),
  {
    name: "metadata of one byte too many",
    changes: { metadata: metadataOf(largestMetadataBytes + 1) },
    sentence: `metadata: Object should have at most ${largestMetadataBytes} bytes when serialised`,
  },
];

export function wrongType(field: string, type: string): string {
  return `${field}: Input should be a valid ${type}`;
}

export function tooLong(field: string, maxLength: number): string {
  return `${field}: String should have at most ${maxLength} characters`;
}
