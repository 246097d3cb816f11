/** `session-buddy uninstall`: takes back what `install --system` has made. */
import { uninstallSystem } from "../../install/system/install.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { UninstallOptions } from "../syntax/machine.ts";
import { reportChanges } from "../terminal/changes.ts";

export async function run(options: UninstallOptions): Promise<void> {
  if (!options.system) {
    throw new SessionBuddyError(
      "usage",
      "'uninstall --system' takes back 'install --system'; 'hook uninstall' your own shells' hooks",
    );
  }
  const isDryRun = options.dryRun ?? false;
  const changes = await uninstallSystem(options.purge ?? false, isDryRun);
  reportChanges(
    changes.filter(({ action }) => action !== "unchanged"),
    {
      isDryRun,
      isJson: options.json ?? false,
      nothing: "nothing to remove: session-buddy is not installed for this machine",
    },
  );
}
