/** Owns the names of what a server can be set up for. Apart from the texts, because a command line needs the names alone. */

/** MCP clients whose settings can be printed. */
export const clientNames = ["claude-code", "claude-desktop", "cursor", "vscode", "codex"] as const;
export type ClientName = (typeof clientNames)[number];

/** Managers of systemd that a unit can be printed for. */
export const unitNames = ["user", "system"] as const;
export type UnitName = (typeof unitNames)[number];
