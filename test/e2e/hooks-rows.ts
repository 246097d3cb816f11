/** The rows of the table of scenarios that no run on Debian with its own shells can show, and why. */

export interface UncoveredRow {
  readonly row: number;
  readonly reason: string;
}

/** How many rows the table has. */
export const rowCount = 52;

export const uncoveredRows: readonly UncoveredRow[] = [
  { row: 45, reason: "ble.sh is no package of Debian; it replaces `trap` and `exit` by its own" },
  { row: 49, reason: "no shell takes part: whether a process is alive is decided and tested in host/liveness" },
  { row: 52, reason: "a time is measured against another in test/bench, not asserted here" },
];

/** Rows that are shown in part. */
export const partlyCoveredRows: readonly UncoveredRow[] = [
  { row: 13, reason: "Apple's trap is run by bash 5; RVM, which resets traps, is the case of `trap - EXIT`" },
  { row: 31, reason: "bash 3.2 is not packaged; row 51 runs the hook as bash 3.2 would, without its clocks" },
  {
    row: 37,
    reason: "a half-written hook is a syntax error that every shell reports; an installer must rename it into place",
  },
  { row: 41, reason: "su and sudo need accounts; another user id with a kept HOME is run instead" },
  { row: 44, reason: "bash-preexec and starship are no packages of Debian 12, VS Code is none at all" },
  { row: 46, reason: "powerlevel10k is no package of Debian; its redirections during the rc file are run" },
  { row: 50, reason: "hooks that vanish under open shells are run; rc files are the installer's and its tests'" },
  { row: 51, reason: "there is no macOS here: /proc, setsid and the clocks are taken away instead" },
];
