/** Owns what is done to messages on standard input before the SDK reads them: numbers that it would change are marked. */
import { Transform } from "node:stream";
import { withoutInexactNumbers } from "../../wire/numbers.ts";

/** A line longer than the SDK takes goes on to it as it is, to be refused there. */
const largestLineBytes = 10 * 1024 * 1024;
const lineEnd = 0x0a;

/** @returns a stream of the same lines, each with {@link withoutInexactNumbers} applied once it is whole */
export function exactLines(): Transform {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (last: Buffer): string => {
    const text = Buffer.concat([...parts, last]).toString("utf8");
    [parts, length] = [[], 0];
    return text;
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const end = chunk.lastIndexOf(lineEnd) + 1;
      if (end > 0) {
        for (const line of take(chunk.subarray(0, end)).split(/(?<=\n)/)) this.push(withoutInexactNumbers(line));
      }
      parts.push(chunk.subarray(end));
      length += chunk.length - end;
      if (length > largestLineBytes) this.push(take(Buffer.alloc(0)));
      done();
    },
    flush(done) {
      done(null, take(Buffer.alloc(0)));
    },
  });
}
