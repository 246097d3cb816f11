/** Owns reading named fields of unknown data, and the words for what is wrong with one (contract section 1). Pure core. */
import { isObject } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { type Instant, parseTimestamp } from "../tracker/instant.ts";
import { textIssue } from "../tracker/limits.ts";

type IssueOf<T> = (value: T) => string | null;

const integerPattern = /^[+-]?\d+$/;

/** Reads named fields of one object and collects the sentence of every rule that is broken. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #prefix: string;
  readonly #issues: string[];

  constructor(input: unknown, prefix = "", issues: string[] = []) {
    this.#prefix = prefix;
    this.#issues = issues;
    if (!isObject(input)) {
      if (prefix === "") issues.push("arguments: Input should be a valid object");
      this.#values = new Map();
      return;
    }
    this.#values = new Map(Object.entries(input));
  }

  /** @throws SessionBuddyError `invalid` with every sentence, in the order in which the fields were read */
  throwIssues(): void {
    if (this.#issues.length > 0) throw new SessionBuddyError("invalid", this.#issues.join("; "));
  }

  /** A field that is undefined is as good as none: JSON has no such value. */
  has(name: string): boolean {
    return this.#values.get(name) !== undefined;
  }

  /** Whether the field is there and not null. */
  isGiven(name: string): boolean {
    return (this.#values.get(name) ?? null) !== null;
  }

  /** @param issueOf - what else is wrong with the text, as a whole sentence */
  text(name: string, maxLength: number, issueOf: IssueOf<string> = () => null): string {
    const value = this.#required(name);
    if (value === undefined) return "";
    const issue = textIssue(value, maxLength);
    return issue === null ? this.#checked(value as string, issueOf) : this.#fail(name, issue);
  }

  /** A text of one form, whatever its length; `issueOf` has the whole sentence when it has another. */
  matching(name: string, issueOf: IssueOf<string>): string {
    const value = this.#required(name);
    if (value === undefined) return "";
    if (typeof value !== "string") return this.#fail(name, "Input should be a valid string");
    return this.#checked(value, issueOf);
  }

  /** A timestamp of the contract; `sentence` says what is wrong with a text that is not one. */
  timestamp(name: string, sentence: (text: string) => string): Instant {
    let instant: Instant | null = null;
    this.matching(name, (text) => {
      instant = parseTimestamp(text);
      return instant === null ? sentence(text) : null;
    });
    return instant ?? ("" as Instant);
  }

  constant(name: string, expected: string, sentence: (value: string) => string): void {
    this.matching(name, (value) => (value === expected ? null : sentence(value)));
  }

  /** An integral number, or an integer as text. */
  integer(name: string, smallest: number, largest: number): number {
    const value = this.#required(name);
    if (value === undefined) return 0;
    const number = typeof value === "string" && integerPattern.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !(Number.isInteger(number) || isHugeInteger(value, number))) {
      this.#fail(name, "Input should be a valid integer");
      return 0;
    }
    if (number < smallest) this.#fail(name, `Input should be greater than or equal to ${smallest}`);
    if (number > largest) this.#fail(name, `Input should be less than or equal to ${largest}`);
    return number;
  }

  /** One of these words. */
  choice<W extends string>(name: string, words: readonly W[]): W | undefined {
    const value = this.#required(name);
    const found = words.find((word) => word === value);
    if (value !== undefined && found === undefined) this.#fail(name, `Input should be ${listed(words)}`);
    return found;
  }

  /** Some of these words, at least one. */
  choices<W extends string>(name: string, words: readonly W[]): readonly W[] {
    const value = this.#required(name);
    if (value === undefined) return [];
    const isList = Array.isArray(value) && value.length > 0 && value.every((item) => words.includes(item));
    if (!isList) this.#fail(name, `Input should be a list of ${listed(words)}`);
    return isList ? words.filter((word) => value.includes(word)) : [];
  }

  /** True or false. */
  truth(name: string): boolean {
    const value = this.#required(name);
    if (value !== undefined && typeof value !== "boolean") this.#fail(name, "Input should be a valid boolean");
    return value === true;
  }

  /** A list of whatever it holds, of at least one and at most so many items. */
  list(name: string, most: number): readonly unknown[] {
    const value = this.#required(name);
    if (value === undefined) return [];
    const isList = Array.isArray(value) && value.length > 0 && value.length <= most;
    if (!isList) this.#fail(name, `Input should be a list of 1 to ${most} items`);
    return isList ? value : [];
  }

  object(name: string): Fields {
    const value = this.#required(name);
    if (value !== undefined && isObject(value)) return new Fields(value, `${name}.`, this.#issues);
    if (value !== undefined) this.#fail(name, "Input should be a valid object");
    // Its fields are not reported one by one when the object itself is missing.
    return new Fields({}, `${name}.`, []);
  }

  /** @param issueOf - what else is wrong with the object, to stand after its name */
  optionalObject(name: string, issueOf: IssueOf<object>): object | null {
    if (!this.isGiven(name)) return null;
    const value = this.#values.get(name);
    if (!isObject(value)) {
      this.#fail(name, "Input should be a valid object");
      return null;
    }
    const issue = issueOf(value);
    if (issue !== null) this.#fail(name, issue);
    return value;
  }

  otherTexts(known: readonly string[]): { readonly [key: string]: string } {
    const others: [string, string][] = [];
    for (const [name, value] of this.#values) {
      if (!known.includes(name) && typeof value === "string") others.push([name, value]);
    }
    return Object.fromEntries(others);
  }

  refuseOthers(known: ReadonlySet<string>): void {
    for (const name of this.#values.keys()) {
      if (!known.has(name)) this.#fail(name, "Unexpected argument");
    }
  }

  #required(name: string): unknown {
    const value = this.#values.get(name);
    if (value === undefined) this.#fail(name, "Field required");
    return value;
  }

  #checked(value: string, issueOf: IssueOf<string>): string {
    const issue = issueOf(value);
    if (issue !== null) this.#issues.push(issue);
    return issue === null ? value : "";
  }

  #fail(name: string, sentence: string): "" {
    this.#issues.push(`${this.#prefix}${name}: ${sentence}`);
    return "";
  }
}

/** A decimal string of hundreds of digits is an integer out of range, not a malformed one. */
function isHugeInteger(value: unknown, number: number): boolean {
  return typeof value === "string" && !Number.isNaN(number);
}

function listed(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  return [quoted.slice(0, -1).join(", "), ...quoted.slice(-1)].filter((part) => part !== "").join(" or ");
}
