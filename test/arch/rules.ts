/** The habits of the house that a machine can check: purity, the one reader of names, docstrings, lengths, no barrels. */
import { checkRooms } from "./rooms.ts";
import { type Finding, lineAt, type Source } from "./source.ts";

/** A form of code that may stand only where `allowedIn` says. */
interface BannedForm {
  readonly rule: string;
  readonly files: RegExp;
  readonly allowedIn?: RegExp;
  readonly form: RegExp;
  readonly message: string;
}

const longestLines = 250;
const anywhere = /^src\//;

const bannedForms: readonly BannedForm[] = [
  {
    rule: "pure core",
    files: /^src\/(?:tracker|wire|formats)\//,
    form: /(?<![.\w])(?:process\s*\??[.[]|(?:globalThis|performance|console|crypto|Buffer|fetch)\b(?!\s*[?:])|(?:setTimeout|setInterval|setImmediate|queueMicrotask)\s*\()|\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|;)|(?<!new\s+)\bDate\s*\(|\bMath\s*\.\s*random\b/g,
    message: "the core has no process, clock, chance or other world around it",
  },
  {
    rule: "environment",
    files: anywhere,
    allowedIn: /^src\/config\//,
    form: /\bprocess\s*\.\s*env\s*(?:\?\.|\.|\[)|\}\s*=\s*process\s*\.\s*env\b/g,
    message: "names of the environment are read in src/config alone",
  },
  {
    rule: "console",
    files: anywhere,
    form: /(?<![.\w])console\s*[.[]/g,
    message: "data is printed by cli/terminal/print.ts, the rest is logged",
  },
  {
    rule: "computed import",
    files: anywhere,
    // The entry finds the other files of the bundle at run time.
    allowedIn: /^src\/cli\/entry\.ts$/,
    form: /(?<![.\w])(?:import|require)\s*\(\s*(?!["'\s])|\bgetBuiltinModule\s*\(\s*(?!["'\s])/g,
    message: "an import must name its module, or nobody can check it",
  },
  {
    rule: "barrel",
    files: anywhere,
    form: /\bexport\s+(?:type\s+)?(?:\*|\{[^}]*\}\s*from\b)/g,
    message: "what a file exports is its own; import from where it is",
  },
];

/** @returns every broken rule of these files, in their order. */
export function check(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => [
    ...checkRooms(source),
    ...checkForms(source),
    ...checkName(source),
    ...checkHead(source),
  ]);
}

function checkForms(source: Source): Finding[] {
  return bannedForms.flatMap(({ rule, files, allowedIn, form, message }) => {
    if (!files.test(source.path) || allowedIn?.test(source.path)) return [];
    return [...source.code.matchAll(form)].map(({ index }) => ({
      rule,
      file: source.path,
      line: lineAt(source.text, index),
      message,
    }));
  });
}

function checkName({ path }: Source): Finding[] {
  if (!/(?:^|\/)(?:index|utils?|helpers?|common|misc)(?:\.ts$|\/)/.test(path)) return [];
  return [{ rule: "file name", file: path, line: 1, message: "a file is named after what it owns" }];
}

function checkHead({ path, text }: Source): Finding[] {
  const head = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1]?.replace(/\n \*/g, " ") ?? "";
  const findings: Finding[] = [];
  if (!/[A-Z`][\s\S]{10,}[.:](?:\s|$)/.test(head)) {
    findings.push({
      rule: "docstring",
      file: path,
      line: 1,
      message: "a file opens with a sentence about what it owns",
    });
  }
  const lines = text.trimEnd().split("\n").length;
  if (lines > longestLines && !/Longer than 250 lines because \w/.test(head)) {
    const message = `${lines} lines need a reason in the docstring: "Longer than ${longestLines} lines because …"`;
    findings.push({ rule: "length", file: path, line: longestLines + 1, message });
  }
  return findings;
}

const topLevel = new Set([
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "bin",
  "src",
  "shell-hooks",
  "test",
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
]);

/** @param names - what lies at the top of the checkout and is kept in version control */
export function checkTopLevel(names: readonly string[]): Finding[] {
  return names
    .filter((name) => !name.startsWith(".") && !topLevel.has(name))
    .map((file) => ({ rule: "top level", file, line: 1, message: "nothing else lies at the top of the checkout" }));
}
