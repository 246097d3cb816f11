/** The rooms of the house on their floors: who may import what, and in which one room each package lives. */
import { posix } from "node:path";
import { type Finding, type Import, importsOf, type Source } from "./source.ts";

/** From the top. A room imports rooms on lower floors only; never one of its own floor, never one above. */
export const floors: readonly (readonly string[])[] = [
  ["cli"],
  ["server", "install", "page"],
  ["app"],
  ["capture", "delivery"],
  ["auth", "log", "config", "store"],
  ["host", "wire", "formats"],
  ["tracker"],
];

/** Rooms that know no runtime and no package, so that whatever they say can be checked from what they are given. */
const pureRooms = new Set(["tracker", "wire", "formats"]);

/** What the entrances reach only by asking a room between. */
const hiddenFrom: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["cli", new Set(["store", "host"])],
  ["server", new Set(["store", "host"])],
]);

/** Each third-party package and the one room it lives in. */
export const packageRooms: ReadonlyMap<string, RegExp> = new Map([
  // commander with its types; nothing else of it is left at run time. The rest of the source asks it, not commander.
  ["@commander-js/extra-typings", /^src\/cli\/(?:main\.ts$|syntax\/)/],
  ["commander", /^src\/cli\/(?:main\.ts$|syntax\/)/],
  ["jose", /^src\/auth\//],
  ["@modelcontextprotocol/sdk", /^src\/server\//],
  ["zod", /^src\/server\//],
  ["conf", /^src\/config\/settings-file\.ts$/],
  ["chalk", /^src\/cli\/terminal\//],
  ["prom-client", /^src\/server\//],
  ["rate-limiter-flexible", /^src\/server\//],
  ["pg", /^src\/store\/postgres\//],
  ["string-width", /^src\/cli\/terminal\//],
]);

/** One verb of the command line is one file, loaded late; with another verb in it, it would load that one too. */
const verbs = /^src\/cli\/commands\//;

/** Finds every import that leaves its room upwards or sideways, or goes from verb to verb, and files without a room. */
export function checkRooms(source: Source): Finding[] {
  const room = roomOf(source.path);
  if (floorOf(room) === -1) {
    const message = "the file is in no room; give it one in src/README.md and in this test";
    return [{ rule: "room", file: source.path, line: 1, message }];
  }
  return importsOf(source).flatMap((imported) => {
    const issue = issueOf(imported, source, room);
    return issue === null ? [] : [{ ...issue, file: source.path, line: imported.line }];
  });
}

/** @returns the folder under `src/`, or the name of a file that lies loose in it */
export function roomOf(path: string): string {
  return /^src\/([\w-]+)(?:\/|\.ts$)/.exec(path)?.[1] ?? "";
}

/** @returns 0 for the top floor, -1 for a room that is on none */
export function floorOf(room: string): number {
  return floors.findIndex((names) => names.includes(room));
}

type Issue = Pick<Finding, "rule" | "message">;

function issueOf(imported: Import, source: Source, room: string): Issue | null {
  const { specifier } = imported;
  if (specifier.startsWith(".")) return localIssue(imported, source, room);
  if (pureRooms.has(room)) {
    return { rule: "pure core", message: `${room} may not import ${specifier}: no module of Node.js and no package` };
  }
  if (specifier.startsWith("node:")) return null;
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const home = packageRooms.get(name);
  if (home === undefined) return { rule: "package room", message: `the package ${name} has no room yet` };
  if (home.test(source.path)) return null;
  return { rule: "package room", message: `the package ${name} lives in ${home.source} alone` };
}

function localIssue(imported: Import, source: Source, room: string): Issue | null {
  const target = posix.join(posix.dirname(source.path), imported.specifier);
  if (target === "package.json") return null;
  if (verbs.test(source.path) && verbs.test(target)) {
    return { rule: "verb", message: `a verb may not import ${target}; what two verbs share stands beside the verbs` };
  }
  const other = roomOf(target);
  if (other === room) return null;
  const floor = floorOf(other);
  if (floor === -1) return { rule: "room", message: `${target} is in no room` };
  if (floor <= floorOf(room)) {
    return { rule: "room", message: `${room} may not import ${target}: ${other} is on no lower floor` };
  }
  if (room === "page" && !(other === "wire" && imported.isTypeOnly)) {
    return { rule: "room", message: `page may import types of wire alone, not ${target}` };
  }
  if (hiddenFrom.get(room)?.has(other)) {
    return { rule: "room", message: `${room} may not import ${target}: it asks a room between` };
  }
  return null;
}
