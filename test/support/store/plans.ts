/** How PostgreSQL answers a question: the plan of each statement, as the store asks it. */
import type { Client } from "pg";
import { pageSources } from "../../../src/store/postgres/query.ts";
import { readColumns } from "../../../src/store/postgres/rows.ts";
import { numbered } from "../../../src/store/postgres/statement.ts";
import type { SessionQuery } from "../../../src/tracker/store.ts";

/** One step of a plan, and those below it. */
export interface PlanStep {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanStep[];
}

/** @returns every step of the plans of a page of a question, which are run */
export async function stepsOf(client: Client, query: SessionQuery): Promise<PlanStep[]> {
  const steps: PlanStep[] = [];
  for (const source of pageSources(query)) {
    const { text, values } = numbered(source(readColumns, query.limit ?? null));
    const { rows } = await client.query(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`, values);
    const [answer] = Object.values(rows[0]) as [string | readonly unknown[]];
    const [{ Plan }] = (typeof answer === "string" ? JSON.parse(answer) : answer) as [{ Plan: PlanStep }];
    steps.push(...withBelow(Plan));
  }
  return steps;
}

function withBelow(step: PlanStep): PlanStep[] {
  return [step, ...(step.Plans ?? []).flatMap(withBelow)];
}

/** Rows of sessions that were looked at, those that were not wanted among them. */
export function rowsRead(steps: readonly PlanStep[]): number {
  return steps
    .filter((step) => /^(?:Index|Index Only|Seq|Bitmap Heap) Scan$/.test(step["Node Type"]))
    .reduce(
      (sum, step) =>
        sum + ((step["Actual Rows"] ?? 0) + (step["Rows Removed by Filter"] ?? 0)) * (step["Actual Loops"] ?? 1),
      0,
    );
}
