/** Owns where the installation for the whole machine lies (hier(7), file-hierarchy(7)). */

/** The system user and the group of the same name that the service runs as. */
export const accountName = "session-buddy";

/** A link to the folder of one version beside it; hooks and units name this path alone. */
export const programLink = "/usr/local/lib/session-buddy";
export const commandLink = "/usr/local/bin/session-buddy";

export const settingsFolder = "/etc/session-buddy";
/** Tells which folders of others were made for our files, so that they can be taken away again. */
export const madeFoldersFile = `${settingsFolder}/.made-folders.json`;

export const stateFolder = "/var/lib/session-buddy";
export const database = `${stateFolder}/sessions.db`;
/** Root's, so that nobody but root can put another spool in the place of the one in it. */
export const spoolParent = "/var/spool/session-buddy";
export const spoolFolder = `${spoolParent}/shells`;
/** Everybody may make files in it, nobody but the service may list it, and what is made in it has its group. */
export const spoolMode = 0o3733;

export const runFolder = "/run/session-buddy";
export const socket = `${runFolder}/socket`;

export const unitName = "session-buddy.service";
export const unitFile = `/etc/systemd/system/${unitName}`;
/** What `systemctl enable` would make. */
export const unitWanted = `/etc/systemd/system/multi-user.target.wants/${unitName}`;
