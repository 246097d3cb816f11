/** Owns which names become values of a label: a bounded number of them, for `metrics.ts` and what lies beside it. */
import { escapeControls } from "../../wire/escape.ts";

/** Stands for every name beyond the limit. No component can be called so (contract section 1). */
export const otherLabel = "(other)";
/** Stands for a component that is not known to be one: what a refused call names is anybody's invention. */
export const unknownLabel = "(unknown)";

/**
 * The names that have a label of their own, first come, first served: a label that moved from one name to another would
 * make its counter mean nothing. Whoever sends ten thousand names finds them all under {@link otherLabel}.
 */
export class LabelNames {
  readonly #limit: number;
  readonly #onNew: (label: string) => void;
  readonly #labels = new Map<string, string>();

  /** @param onNew - told of each label when it is first given */
  constructor(limit: number, onNew: (label: string) => void = () => {}) {
    this.#limit = limit;
    this.#onNew = onNew;
  }

  /** The labels that have been given, or may be from now on. */
  labels(): readonly string[] {
    const own = [...this.#labels.values()];
    return own.length < this.#limit ? own : [...own, otherLabel];
  }

  /** The label of a name that is on record; it gets its own while there is room. */
  admit(name: string): string {
    const known = this.#labels.get(name);
    if (known !== undefined) return known;
    if (this.#labels.size >= this.#limit) return otherLabel;
    // The format has escapes for a newline, a quote and a backslash alone; a terminal would act on the rest.
    const label = escapeControls(name);
    this.#labels.set(name, label);
    this.#onNew(label);
    return label;
  }

  /** The label of a name that anybody may have made up; it never gets one by that. */
  find(name: string | null): string {
    return (name === null ? undefined : this.#labels.get(name)) ?? unknownLabel;
  }
}
