/** Owns whether what a file cites is in the checkout: a section of the wire contract, or of another document. */
import { type Finding, lineAt } from "./source.ts";

/** Where the contract stands; a section that is named without its document is one of the contract. */
export const contract = "test/contract/README.md";

/** The sections that a document has, by its path from the top of the checkout; null for a document that is not there. */
export type SectionsOf = (path: string) => ReadonlySet<string> | null;

/** @returns the numbers of a document's sections: `3` for the heading `## 3. Timestamps` */
export function sectionsIn(markdown: string): ReadonlySet<string> {
  return new Set([...markdown.matchAll(/^## (\d+)\. /gm)].map(([, number = ""]) => number));
}

/** A number alone, `1, 3`, or `1 and 3`; after the number a point only ends the sentence. */
const citation = /\bsections?\s+(\d+(?:\.\d+)*(?:(?:,\s*|\s+and\s+)\d+(?:\.\d+)*)*)/g;
/** Standards are cited by their own numbers. */
const standard = /\b(?:RFC \d+|JSON-RPC 2\.0),?\s*$/;
const document = /([\w./-]+\.md)[`)\]]*,?\s*$/;

/** Finds every citation of a section that does not exist, in comments and texts alike. */
export function checkCitations(path: string, text: string, sectionsOf: SectionsOf): Finding[] {
  // A sentence goes on in the next line of a comment.
  const flat = text.replaceAll(/\n\s*(?:\*|\/\/|#)(?= )/g, (margin) => "\n".padEnd(margin.length));
  return [...flat.matchAll(citation)].flatMap((match) => {
    const before = flat.slice(Math.max(0, match.index - 80), match.index);
    if (standard.test(before)) return [];
    const cited = document.exec(before)?.[1] ?? contract;
    const sections = sectionsOf(cited);
    const numbers = (match[1] ?? "").match(/\d+(?:\.\d+)*/g) ?? [];
    return numbers
      .filter((number) => sections?.has(number) !== true)
      .map((number) => {
        const message = sections === null ? `${cited} is not in the checkout` : `${cited} has no section ${number}`;
        return { rule: "citation", file: path, line: lineAt(flat, match.index), message };
      });
  });
}

/** A path in backquotes, with a folder or with an ending that a file of ours has. */
const named = /`((?:\.{1,2}\/)?[\w.*-]+(?:\/[\w.*-]+)*(?:\/|\.(?:ts|json|yml|md)))`/g;

/**
 * Finds every path that a document names and that is not there.
 *
 * @param exists - whether there is something at a path as the document spells it, which may have `*` in it
 */
export function checkPaths(path: string, text: string, exists: (path: string) => boolean): Finding[] {
  return [...text.matchAll(named)].flatMap((match) => {
    const [, target = ""] = match;
    if (exists(target)) return [];
    return [{ rule: "citation", file: path, line: lineAt(text, match.index), message: `there is no ${target}` }];
  });
}
