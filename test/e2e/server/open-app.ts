/** The program put together inside the test's own process, for tests of what a running server makes of it. */
import type { TestContext } from "node:test";
import { type App, openApp } from "../../../src/app/app.ts";
import { openGate } from "../../../src/auth/credentials.ts";
import type { Gate } from "../../../src/auth/gate.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { credentialSources } from "../../../src/config/environment.ts";
import { createLog } from "../../../src/log.ts";

/** @param home - the value of SESSION_BUDDY_HOME */
export async function openAppAt(
  t: Pick<TestContext, "after">,
  home: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly app: App; readonly gate: Gate | null }> {
  const config = await resolveConfig({ ...env, SESSION_BUDDY_HOME: home });
  const gate = await openGate(credentialSources(env), config.settings.issuers);
  const app = await openApp(config, createLog({ toStandardError: false, file: null }));
  t.after(() => app.close());
  return { app, gate };
}
