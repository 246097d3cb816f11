/** Owns how much one address may ask of a server: calls a second, and refused tokens a minute. */
import { isIPv6 } from "node:net";
import { type IRateLimiterRes, RateLimiterMemory } from "rate-limiter-flexible";
import { isLoopback } from "./caller.ts";

export interface Limit {
  /**
   * Counts one.
   *
   * @returns how many seconds the address is to wait, 1 or more; null when it is within the limit
   */
  take(address: string): Promise<number | null>;
  /** The same without counting: whether the address is over the limit already. */
  look(address: string): Promise<number | null>;
}

/**
 * @param most - how many an address may have, 0 for any number
 * @param seconds - in so long a time
 */
export function createLimit(most: number, seconds: number): Limit {
  if (most === 0) return { take: async () => null, look: async () => null };
  const limiter = new RateLimiterMemory({ points: most, duration: seconds });
  return {
    async take(address) {
      try {
        await limiter.consume(network(address));
        return null;
      } catch (over) {
        return secondsOf(over as IRateLimiterRes);
      }
    },
    async look(address) {
      const state = await limiter.get(network(address));
      return state !== null && state.consumedPoints >= most ? secondsOf(state) : null;
    },
  };
}

function secondsOf({ msBeforeNext = 0 }: IRateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000));
}

/** How an IPv4 address looks to a server that listens on IPv6 (RFC 4291, section 2.5.5.2). */
const mappedPrefix = "::ffff:";

/**
 * One who has one IPv6 address has 2^64 of them (RFC 6177), and every program of this machine has all of 127.0.0.0/8
 * and ::1. @returns the network that counts as one address
 */
export function network(address: string): string {
  if (address.startsWith(mappedPrefix)) return network(address.slice(mappedPrefix.length));
  if (isLoopback(address)) return "127.0.0.0";
  if (!isIPv6(address) || address.startsWith("::")) return address;
  const [head = "", tail = ""] = address.split("::");
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}

function groups(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
