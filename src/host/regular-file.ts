/** Owns opening a file of the user's own: nothing that another user put in its place, and nothing that is no file. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { follow, isTrustedOwner, type Place } from "./trusted-path.ts";

/** A file whose content is known. */
export interface FileContent {
  readonly bytes: Buffer;
  readonly stats: Stats;
}

/** Whose file it may be, beside the user's own and the administrator's; nobody else's by default. */
export interface OpenOptions {
  readonly friend?: number;
}

const privateMode = 0o600;

/**
 * Looks at a regular file without opening it.
 *
 * @returns null when there is none
 * @throws the file system's error, or one that says what is wrong as a sentence about the file, `it`
 */
export function lookAtRegular(path: string, options?: OpenOptions): Stats | null {
  return placeOf(path, options).stats;
}

/**
 * Opens a regular file; with `O_CREAT` one that is missing is made, mode 0600. A FIFO or a device is refused instead of
 * being waited for.
 *
 * @param flags - of open(2)
 * @throws as {@link lookAtRegular}
 */
export function openRegular(path: string, flags: number, options?: OpenOptions): number {
  // Opening a device may already do something, so it is looked at before.
  return openedRegular(placeOf(path, options).path, flags, options);
}

/**
 * The same in a folder that was found private just before, so that the way to it need not be looked at again.
 *
 * @throws as {@link lookAtRegular}
 */
export function openRegularInPrivate(path: string, flags: number): number {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  // A link that is there is the user's own, and leads wherever it leads.
  if (stats?.isSymbolicLink()) return openRegular(path, flags);
  if (stats !== undefined) requireFile(stats, undefined);
  return openedRegular(path, flags, undefined);
}

/**
 * Looks at what {@link openRegularInPrivate} would open.
 *
 * @returns null when there is nothing
 * @throws as {@link lookAtRegular}
 */
export function lookAtRegularInPrivate(path: string): Stats | null {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink()) return lookAtRegular(path);
  if (stats !== undefined) requireFile(stats, undefined);
  return stats ?? null;
}

/** Reads a file that {@link openRegular} opens. */
export function readRegular(path: string, options?: OpenOptions): FileContent {
  return contentOf(openRegular(path, constants.O_RDONLY, options));
}

/** Reads a file that {@link openRegularInPrivate} opens. */
export function readRegularInPrivate(path: string): FileContent {
  return contentOf(openRegularInPrivate(path, constants.O_RDONLY));
}

function contentOf(descriptor: number): FileContent {
  try {
    return { stats: fstatSync(descriptor), bytes: readFileSync(descriptor) };
  } finally {
    closeSync(descriptor);
  }
}

function openedRegular(path: string, flags: number, options: OpenOptions | undefined): number {
  const descriptor = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, privateMode);
  try {
    requireFile(fstatSync(descriptor), options);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function placeOf(path: string, options: OpenOptions | undefined): Place {
  const place = follow(path, options?.friend);
  if (place.issue !== null) throw new Error(`it ${place.issue.words}; ${place.issue.remedy}`);
  if (place.stats !== null) requireFile(place.stats, options);
  return place;
}

function requireFile(stats: Stats, options: OpenOptions | undefined): void {
  if (!stats.isFile()) throw new Error("it is not a regular file");
  if (!isTrustedOwner(stats.uid) && stats.uid !== options?.friend) {
    throw new Error(`it belongs to user id ${stats.uid}, not to ${process.geteuid?.()}`);
  }
}
