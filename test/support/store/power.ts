/** A disk whose power can be cut: a real ext4 in a file, which only root can mount. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface CuttableDisk {
  readonly folder: string;
  /** What is not on the disk yet is lost; the disk is there again when this returns. */
  cut(): void;
}

/** EXT4_IOC_SHUTDOWN of linux/ext4.h, without a flush of the log. */
const shutDown = `open(my $disk, "<", $ARGV[0]) or die "$!"; ioctl($disk, 0x8004587d, my $how = pack("L", 2)) or die "$!";`;
const bytes = 32 * 1024 * 1024;

/** Unmounted and removed when the test is done. */
export function createCuttableDisk(t: TestContext): CuttableDisk {
  const place = mkdtempSync(join(tmpdir(), "session-buddy-disk-"));
  const folder = join(place, "disk");
  let image = join(place, "image");
  mkdirSync(folder);
  writeFileSync(image, "");
  truncateSync(image, bytes);
  execFileSync("mkfs.ext4", ["-q", image]);
  // Nothing gets on the disk by waiting.
  const mount = () => insist("mount", ["-o", "loop,commit=300", image, folder]);
  const unmount = () => insist("umount", [folder]);
  mount();
  t.after(() => {
    unmount();
    rmSync(place, { recursive: true });
  });
  return {
    folder,
    cut() {
      execFileSync("perl", ["-e", shutDown, folder]);
      unmount();
      // A mount namespace that another test made meanwhile holds the old mount, and with it the disk without power.
      copyFileSync(image, `${image}-again`);
      image = `${image}-again`;
      mount();
    },
  };
}

const mostTries = 20;
const pauseMs = 100;

/** Loop devices are the machine's: for a moment another test, or the kernel, may hold the one that was free. */
function insist(program: string, args: readonly string[]): void {
  for (let tries = 1; ; tries += 1) {
    try {
      execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
      return;
    } catch (error) {
      if (tries === mostTries) throw error;
      pause();
    }
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
}
