/** Reads source files the way the rules of the house need them: code apart from comments and texts, and imports by line. */

export interface Source {
  /** From the top of the checkout: `src/tracker/fold.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings, templates and regular expressions as spaces; same positions. */
  readonly code: string;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Whether nothing of it is left at run time. */
  readonly isTypeOnly: boolean;
}

/** One broken rule at one place. */
export interface Finding {
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export function createSource(path: string, text: string): Source {
  return { path, text, code: blankOut(text) };
}

export function formatFinding({ file, line, rule, message }: Finding): string {
  return `${file}:${line}: ${rule}: ${message}`;
}

/** @returns the line of a position, from 1. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

const importForm =
  /(?:\b(?:import|export)(?<type>\s+type)?\b[^"';]*?\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\bgetBuiltinModule\s*\(\s*)["']/dg;

/** @returns everything the file names as a module, statically or late. */
export function importsOf({ text, code }: Source): Import[] {
  return [...code.matchAll(importForm)].map((match) => {
    const from = match.index + match[0].length;
    const to = code.slice(from).search(/["']/) + from;
    return {
      specifier: text.slice(from, to),
      line: lineAt(text, from),
      isTypeOnly: match.groups?.type !== undefined,
    };
  });
}

const comment = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;
const quoted = String.raw`"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`;
// A slash divides unless it stands where a value must begin.
const regularExpression = String.raw`(?<=(?:[(,=:[!&|?{};>\n]|\breturn)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`;
const literal = new RegExp(`${comment}|${quoted}|${regularExpression}`, "y");

function blankOut(text: string): string {
  const units = text.split("");
  let at = 0;
  const blankTo = (end: number) => {
    for (; at < end && at < units.length; at += 1) if (units[at] !== "\n") units[at] = " ";
  };
  const scanLiteral = (length: number) => {
    const isString = text[at] === '"' || text[at] === "'";
    const end = at + length;
    if (isString) at += 1;
    blankTo(isString ? end - 1 : end);
    at = end;
  };
  const scanTemplate = () => {
    blankTo(at + 1);
    while (at < text.length && text[at] !== "`") {
      if (text.startsWith("${", at)) {
        blankTo(at + 2);
        scanCode(true);
        blankTo(at + 1);
      } else blankTo(at + (text[at] === "\\" ? 2 : 1));
    }
    blankTo(at + 1);
  };
  const scanCode = (isInTemplate: boolean) => {
    for (let depth = 0; at < text.length; ) {
      literal.lastIndex = at;
      const found = literal.exec(text);
      if (found !== null) scanLiteral(found[0].length);
      else if (text[at] === "`") scanTemplate();
      else {
        if (isInTemplate && depth === 0 && text[at] === "}") return;
        depth += text[at] === "{" ? 1 : text[at] === "}" ? -1 : 0;
        at += 1;
      }
    }
  };
  scanCode(false);
  return units.join("");
}
