/** `session-buddy install`: one record for all users of this machine. */
import { installSystem } from "../../install/system/install.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { InstallOptions } from "../syntax/machine.ts";
import { reportChanges } from "../terminal/changes.ts";

export async function run(options: InstallOptions): Promise<void> {
  if (!options.system) {
    throw new SessionBuddyError(
      "usage",
      "'install --system' installs for the whole machine; 'hook install' for your own shells",
    );
  }
  const isDryRun = options.dryRun ?? false;
  reportChanges(await installSystem(isDryRun), {
    isDryRun,
    isJson: options.json ?? false,
    nothing: "nothing to do: session-buddy is installed for this machine",
  });
}
