/** Owns the circumstances of a start: where a shell was opened and by whom, and how well each of them is known. Part of the pure core. */

/** What surrounds a shell that opened; null where not known. */
export interface Circumstances {
  /** The user that the shell acts as: the effective user id of its process. */
  readonly uid: number | null;
  /** The controlling terminal without `/dev/`: `pts/8`, `tty1`. */
  readonly tty: string | null;
  /** The user that logged in, by number and name, whoever they became since by sudo, su or doas (`/proc/PID/loginuid`). */
  readonly loginUid: number | null;
  readonly loginUser: string | null;
  /** The number of the login, in the words of the kernel's audit (`/proc/PID/sessionid`). */
  readonly auditSession: number | null;
  /** The login as systemd counts it: `42`, `c1`. */
  readonly systemdSession: string | null;
  /** The session of the nearest process above the shell that is on record. */
  readonly parentSession: string | null;
  /** `sudo:NAME` or `doas:NAME`: who ran the command that opened the shell. */
  readonly via: string | null;
  /** The pane: `tmux:SOCKET:PANE` or `screen:SESSION`. */
  readonly multiplexer: string | null;
  /** `docker`, `podman` and the like, with `:ID` where that is known; `namespace` where only that can be told. */
  readonly container: string | null;
  /** Where the login came from: `ADDRESS PORT`. */
  readonly remote: string | null;
  readonly terminalProgram: string | null;
}

export type CircumstanceName = keyof Circumstances;

/**
 * Who tells a circumstance, the strongest first: the kernel, asked by this program; the shell's state file; the environment
 * of whoever typed `start`; another record, whoever told it there.
 */
export const circumstanceSources = ["kernel", "hook", "command", "import"] as const;

export type CircumstanceSource = (typeof circumstanceSources)[number];

/** What each source tells; nothing is in it twice, and null in none. */
export type ToldCircumstances = { readonly [Source in CircumstanceSource]?: Partial<Circumstances> };

/** One of them as it is told. */
export interface ToldCircumstance {
  readonly name: CircumstanceName;
  readonly value: string | number;
  readonly source: CircumstanceSource;
}

/** Nothing is known. */
export const noCircumstances: Circumstances = {
  uid: null,
  tty: null,
  loginUid: null,
  loginUser: null,
  auditSession: null,
  systemdSession: null,
  parentSession: null,
  via: null,
  multiplexer: null,
  container: null,
  remote: null,
  terminalProgram: null,
};

export const circumstanceNames = Object.keys(noCircumstances) as readonly CircumstanceName[];

/** @returns what is told with who tells it, each once, in the order of their names here */
export function toldOnes(told: ToldCircumstances | null): readonly ToldCircumstance[] {
  if (told === null) return [];
  return circumstanceNames.flatMap((name) => {
    const source = circumstanceSources.find((source) => told[source]?.[name] != null);
    return source === undefined ? [] : [{ name, value: told[source]?.[name] as string | number, source }];
  });
}

/** @returns what is known, each by its strongest source */
export function circumstancesOf(told: ToldCircumstances | null): Circumstances {
  const known = toldOnes(told).map(({ name, value }) => [name, value]);
  return { ...noCircumstances, ...Object.fromEntries(known) };
}

/** @returns the same without what is not known or is told by a stronger source; null when nothing is left */
export function toldBy(sources: { readonly [Source in CircumstanceSource]?: Partial<Circumstances> }) {
  const told: { [Source in CircumstanceSource]?: Record<string, string | number> } = {};
  for (const { name, value, source } of toldOnes(sources)) told[source] = { ...told[source], [name]: value };
  return Object.keys(told).length === 0 ? null : (told as ToldCircumstances);
}

/**
 * What a circumstance is worth: `reliable` is the kernel's word, which no user can change; `good` is found by this program
 * from what may be arranged; a `claim` is what the shell's environment said.
 */
export type Worth = "reliable" | "good" | "claim";

export function worthOf({ name, source }: ToldCircumstance): Worth {
  if (source !== "kernel") return "claim";
  return name === "container" ? "good" : "reliable";
}
