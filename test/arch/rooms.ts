/** The rooms of the house (`DESIGN.md` section 4): who may import what, and in which one room each package lives. */
import { posix } from "node:path";
import { type Finding, type Import, importsOf, type Source } from "./source.ts";

interface Room {
  readonly name: string;
  readonly files: RegExp;
  /** Files of the checkout that may be imported. */
  readonly mayImport: readonly RegExp[];
  /** Files of which types alone may be imported. */
  readonly mayImportTypes?: readonly RegExp[];
  /** Whether modules of Node.js may be imported. */
  readonly usesNode: boolean;
}

const tracker = /^src\/tracker\//;
const errors = /^src\/tracker\/errors\.ts$/;
/** What the entrances may know of the core: what is answered, how it is shown, and why something failed. */
const results = /^src\/tracker\/(?:errors|result|instant|view|cursor|canonical)\.ts$/;
const records = /^src\/tracker\/(?:event|fold|store)\.ts$/;
const center = /^src\/(?:app|config|settings|log)\.ts$/;
const answers = /^src\/(?:answers|calls)\.ts$/;
const packageJson = /^package\.json$/;

/** The first room that a file fits is its room. */
export const rooms: readonly Room[] = [
  { name: "tracker", files: tracker, mayImport: [tracker], usesNode: false },
  { name: "auth", files: /^src\/auth\//, mayImport: [/^src\/auth\//, tracker], usesNode: true },
  { name: "host", files: /^src\/host\//, mayImport: [/^src\/host\//, tracker], usesNode: true },
  { name: "store", files: /^src\/store\//, mayImport: [/^src\/store\//, tracker], usesNode: true },
  {
    name: "server",
    files: /^src\/server\//,
    mayImport: [/^src\/server\//, answers, center, results],
    mayImportTypes: [records],
    usesNode: true,
  },
  {
    name: "the serve command",
    files: /^src\/commands\/serve\.ts$/,
    mayImport: [/^src\/commands\//, /^src\/server\//, /^src\/credentials\.ts$/, center, results, packageJson],
    mayImportTypes: [records],
    usesNode: true,
  },
  {
    name: "commands",
    files: /^src\/commands\//,
    mayImport: [
      /^src\/commands\//,
      center,
      /^src\/(?:hooks|doctor|questions|current|rebuild|tokens|keys)\.ts$/,
      results,
    ],
    mayImportTypes: [records],
    usesNode: true,
  },
  {
    name: "the composition root",
    files:
      /^src\/(?:app|calls|shells|reconcile|hooks|doctor|questions|answers|current|rebuild|shell-events|credentials|tokens|keys)\.ts$/,
    mayImport: [
      /^src\/(?:auth|host|store|tracker)\//,
      /^src\/(?:app|calls|config|settings|log|shells|reconcile|hooks|questions|shell-events|credentials)\.ts$/,
    ],
    usesNode: true,
  },
  {
    name: "the command table",
    files: /^src\/(?:main|table\/[^/]+)\.ts$/,
    mayImport: [/^src\/(?:commands|table)\//, /^src\/log\.ts$/, errors, packageJson],
    usesNode: true,
  },
  {
    name: "config",
    files: /^src\/config\.ts$/,
    mayImport: [/^src\/settings\.ts$/, /^src\/tracker\/(?:errors|parse)\.ts$/],
    usesNode: true,
  },
  { name: "settings", files: /^src\/settings\.ts$/, mayImport: [/^src\/config\.ts$/, errors], usesNode: true },
  { name: "log", files: /^src\/log\.ts$/, mayImport: [], usesNode: true },
  { name: "the entry", files: /^src\/entry\.ts$/, mayImport: [], usesNode: true },
];

/** Each third-party package and the one room it lives in. */
export const packageRooms: ReadonlyMap<string, RegExp> = new Map([
  ["commander", /^src\/(?:main|table\/[^/]+)\.ts$/],
  ["jose", /^src\/auth\//],
  ["@modelcontextprotocol/sdk", /^src\/server\//],
  ["zod", /^src\/server\//],
  ["conf", /^src\/settings\.ts$/],
  ["chalk", /^src\/commands\//],
  ["prom-client", /^src\/server\//],
  ["rate-limiter-flexible", /^src\/server\//],
  ["string-width", /^src\/commands\//],
]);

/** Finds every import that leaves its room, and files without a room. */
export function checkRooms(source: Source): Finding[] {
  const room = rooms.find(({ files }) => files.test(source.path));
  if (room === undefined) {
    const message = "the file is in no room; give it one in DESIGN.md section 4 and in this test";
    return [{ rule: "room", file: source.path, line: 1, message }];
  }
  return importsOf(source).flatMap((imported) => {
    const issue = issueOf(imported, source, room);
    return issue === null ? [] : [{ ...issue, file: source.path, line: imported.line }];
  });
}

function issueOf(imported: Import, source: Source, room: Room): Pick<Finding, "rule" | "message"> | null {
  const { specifier } = imported;
  if (specifier.startsWith(".")) return localIssue(imported, source, room);
  if (specifier.startsWith("node:")) {
    if (room.usesNode) return null;
    return { rule: "pure core", message: `${room.name} may not import ${specifier}, nor any module of Node.js` };
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const home = packageRooms.get(name);
  if (home === undefined) return { rule: "package room", message: `the package ${name} has no room yet` };
  if (home.test(source.path)) return null;
  return { rule: "package room", message: `the package ${name} lives in ${home.source} alone` };
}

function localIssue(imported: Import, source: Source, room: Room): Pick<Finding, "rule" | "message"> | null {
  const target = posix.join(posix.dirname(source.path), imported.specifier);
  if (room.mayImport.some((allowed) => allowed.test(target))) return null;
  const types = room.mayImportTypes ?? [];
  if (!types.some((allowed) => allowed.test(target)))
    return { rule: "room", message: `${room.name} may not import ${target}` };
  if (imported.isTypeOnly) return null;
  return { rule: "room", message: `${room.name} may import types alone from ${target}` };
}
