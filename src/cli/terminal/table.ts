/** Owns tables that fit a person's terminal: what is shortened, what is left out. */
import { escapeControls } from "../../wire/escape.ts";
import { styleHeading } from "./style.ts";
import { padTo, shorten, widthOf } from "./width.ts";

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** A shorter text, for a terminal on which not everything fits. */
  readonly brief?: (row: Row) => string;
  /** The width it may be shortened to; it is never shortened by default. */
  readonly least?: number;
  /** Which end of a shortened text stays; the start by default. */
  readonly keep?: "start" | "end";
  readonly align?: "left" | "right";
  /** Whether it is left out wherever no row has anything in it; by default only where the room is scarce. */
  readonly isExtra?: boolean;
  /** The least important column is shortened and left out first. */
  readonly importance: number;
  /** Changes how a padded cell looks, not how wide it is. */
  readonly style?: (cell: string, row: Row) => string;
}

/** A column with its escaped cells, the title first. */
interface Filled<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly natural: number;
  readonly least: number;
}

const gap = "  ";
/** Most names and paths can be recognized by this many columns. */
const modestWidth = 20;
const nothing = "-";

/**
 * Draws one line a row below a line of titles.
 *
 * @param width - columns of the terminal; null for no limit: everything is shown in full
 */
export function drawTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number | null): string[] {
  const shown = fit(columns, rows, width ?? Number.POSITIVE_INFINITY);
  const titles = shown.map((one) => styleHeading(cellOf(one, 0, one === shown.at(-1))));
  const lines = rows.map((row, at) =>
    shown.map((one) => {
      const cell = cellOf(one, at + 1, one === shown.at(-1));
      return one.column.style === undefined ? cell : one.column.style(cell, row);
    }),
  );
  return [titles, ...lines].map((cells) => cells.join(gap));
}

/** A column and the width that it got. */
interface Shown<Row> extends Filled<Row> {
  readonly width: number;
}

/** Columns without content go first, then times are shortened, then the least important columns go. */
function fit<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): Shown<Row>[] {
  let filled = columns
    .map((column) => fill(column, rows, column.text))
    .filter((one) => !one.column.isExtra || hasNews(one));
  if (total(filled, "natural") > width) filled = filled.filter(hasNews);
  if (total(filled, "least") > width) {
    filled = filled.map(({ column }) => fill(column, rows, column.brief ?? column.text));
  }
  while (filled.length > 1 && total(filled, "least") > width) {
    const [first] = byImportance(filled);
    filled = filled.filter((one) => one !== first);
  }
  const widths = grown(filled, width);
  return filled.map((one) => ({ ...one, width: widths.get(one) ?? one.least }));
}

function hasNews<Row>({ cells }: Filled<Row>): boolean {
  return cells.slice(1).some((cell) => cell !== nothing);
}

function fill<Row>(column: Column<Row>, rows: readonly Row[], text: (row: Row) => string): Filled<Row> {
  const cells = [column.title, ...rows.map((row) => escapeControls(text(row)))];
  // Not one call with all of them: the arguments of a call are limited.
  const natural = cells.reduce((widest, cell) => Math.max(widest, widthOf(cell)), 0);
  const least = Math.min(natural, Math.max(column.least ?? natural, widthOf(column.title)));
  return { column, cells, natural, least };
}

/** What room is left goes to the most important column first, but to none more than it needs modestly before the others. */
function grown<Row>(filled: readonly Filled<Row>[], width: number): ReadonlyMap<Filled<Row>, number> {
  let room = width - total(filled, "least");
  const widths = new Map(filled.map((one) => [one, one.least]));
  for (const most of [modestWidth, Number.POSITIVE_INFINITY]) {
    for (const one of byImportance(filled).reverse()) {
      const before = widths.get(one) ?? one.least;
      const more = Math.max(0, Math.min(room, Math.min(most, one.natural) - before));
      room -= more;
      widths.set(one, before + more);
    }
  }
  return widths;
}

function byImportance<Row>(filled: readonly Filled<Row>[]): Filled<Row>[] {
  return [...filled].sort((a, b) => a.column.importance - b.column.importance);
}

function total<Row>(filled: readonly Filled<Row>[], kind: "natural" | "least"): number {
  return filled.reduce((sum, one) => sum + one[kind] + gap.length, -gap.length);
}

/** The last cell of a line is not filled up. @param at - 0 for the title */
function cellOf<Row>({ cells, column, width }: Shown<Row>, at: number, isLast: boolean): string {
  const text = shorten(cells[at] ?? "", width, at === 0 ? "start" : column.keep);
  return isLast && column.align !== "right" ? text : padTo(text, width, column.align);
}
