/** One connection on which requests are sent as bytes, one after the other or broken, and answers are read strictly. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { readAnswer, type WireAnswer } from "./wire-answers.ts";

/** How long a server may take before it counts as one that does not answer, in milliseconds. */
const deadlineMs = 30_000;

export interface WireRequest {
  readonly method: string;
  readonly bytes: Buffer;
}

export interface Wire {
  /**
   * Sends requests at once and waits for an answer to each.
   *
   * @param requests - each with its method, because the answer to a HEAD has no body
   */
  ask(requests: readonly WireRequest[]): Promise<readonly WireAnswer[]>;
  /** Sends the last bytes, says that no more will come, and waits until the server closes its side too. */
  finish(bytes: Buffer): Promise<readonly WireAnswer[]>;
  /** Sends bytes and waits for nothing. */
  send(bytes: Buffer | string): void;
  /** Goes away without a word. */
  drop(): void;
}

export async function openWire(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  await once(socket, "connect");
  const reader = new Reader(socket);
  return {
    async ask(requests) {
      socket.write(Buffer.concat(requests.map(({ bytes }) => bytes)));
      const answers: WireAnswer[] = [];
      for (const { method, bytes } of requests) {
        const answer = await reader.next(method).catch((error: Error) => error.message);
        if (typeof answer === "string" || answer === null) {
          const words = `request ${answers.length + 1} of ${requests.length}: ${answer ?? "closed without an answer"}`;
          assert.fail(`${words}; it was ${JSON.stringify(bytes.toString("latin1"))} after ${answers.at(-1)?.status}`);
        }
        answers.push(answer);
      }
      return answers;
    },
    async finish(bytes) {
      socket.end(bytes);
      await reader.closed();
      return reader.rest();
    },
    send: (bytes) => void socket.write(bytes),
    drop: () => void socket.destroy(),
  };
}

/** Collects what comes in; whoever waits looks again after each piece. */
class Reader {
  #bytes: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.on("data", (piece: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece]);
      this.#wake();
    });
    // A server that refuses a connection may reset it while bytes are still coming.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** @returns null when the connection is closed and no whole answer is left */
  async next(method: string): Promise<WireAnswer | null> {
    await this.#until(() => this.#isClosed || readAnswer(this.#bytes, method) !== null);
    const found = readAnswer(this.#bytes, method);
    if (found === null) return null;
    this.#bytes = this.#bytes.subarray(found.length);
    return found.answer;
  }

  closed(): Promise<void> {
    return this.#until(() => this.#isClosed);
  }

  /** The whole answers that came; one that was cut off by the end of the connection is left out. */
  rest(): readonly WireAnswer[] {
    const answers: WireAnswer[] = [];
    for (;;) {
      const found = readAnswer(this.#bytes, "");
      if (found === null) return answers;
      answers.push(found.answer);
      this.#bytes = this.#bytes.subarray(found.length);
    }
  }

  async #until(isDone: () => boolean): Promise<void> {
    const timer = setTimeout(() => this.#wake(), deadlineMs);
    const end = performance.now() + deadlineMs;
    try {
      while (!isDone()) {
        assert.ok(performance.now() < end, `no answer within ${deadlineMs} ms; so far: ${this.#bytes}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
