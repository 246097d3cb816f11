/** The resident memory of a process over time, and whether it grows. */
import { readFileSync } from "node:fs";

export interface MemoryReport {
  /** How long the process was looked at, and from when on the slope is taken, in seconds. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly largestMb: number;
  /** Of the line through all samples after the warm-up; null when there are fewer than three. */
  readonly slopeMbPerMinute: number | null;
}

interface Sample {
  readonly second: number;
  readonly mb: number;
}

const pauseMs = 250;
const warmUpShare = 0.4;

/** Looks at a process until it is told to stop or the process is gone. @returns ends the looking and tells */
export function watchMemory(pid: number): () => MemoryReport {
  const samples: Sample[] = [];
  const startedMs = performance.now();
  const take = () => {
    const mb = residentMb(pid);
    if (mb !== null) samples.push({ second: (performance.now() - startedMs) / 1_000, mb });
  };
  take();
  const timer = setInterval(take, pauseMs).unref();
  return () => {
    clearInterval(timer);
    const seconds = samples.at(-1)?.second ?? 0;
    const warmUpSeconds = seconds * warmUpShare;
    return {
      seconds,
      warmUpSeconds,
      firstMb: samples[0]?.mb ?? 0,
      lastMb: samples.at(-1)?.mb ?? 0,
      largestMb: Math.max(0, ...samples.map(({ mb }) => mb)),
      slopeMbPerMinute: slope(samples.filter(({ second }) => second >= warmUpSeconds)),
    };
  };
}

function residentMb(pid: number): number | null {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) / 1_024;
  } catch {
    return null;
  }
}

/** Least squares. */
function slope(samples: readonly Sample[]): number | null {
  if (samples.length < 3) return null;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = { second: mean(samples.map(({ second }) => second)), mb: mean(samples.map(({ mb }) => mb)) };
  const square = samples.reduce((sum, { second }) => sum + (second - middle.second) ** 2, 0);
  const product = samples.reduce((sum, { second, mb }) => sum + (second - middle.second) * (mb - middle.mb), 0);
  return (product / square) * 60;
}
