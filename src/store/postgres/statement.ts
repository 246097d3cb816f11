/** Owns statements put together of parts: each part has `?` for its values, which become `$1`, `$2` … in their order. */

export interface Statement {
  /** No other `?` is in it. */
  readonly sql: string;
  readonly values: readonly unknown[];
}

export function part(sql: string, ...values: unknown[]): Statement {
  return { sql, values };
}

/** @returns the parts with a text between them */
export function joined(parts: readonly Statement[], between: string): Statement {
  return { sql: parts.map(({ sql }) => sql).join(between), values: parts.flatMap(({ values }) => values) };
}

/** @returns the parts as conditions that must all hold; with none, every row */
export function all(conditions: readonly Statement[]): Statement {
  return conditions.length === 0 ? part("true") : joined(conditions, " AND ");
}

/** @returns the statement as the driver takes it */
export function numbered({ sql, values }: Statement): { text: string; values: unknown[] } {
  let count = 0;
  const text = sql.replaceAll("?", () => {
    count += 1;
    return `$${count}`;
  });
  return { text, values: [...values] };
}
