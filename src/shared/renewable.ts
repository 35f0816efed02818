import { CallTimeout, withDeadline } from './network.js';

/** A connection, or a pool of connections, that is replaced after a call without an answer. */
export interface Renewable<C> {
  /**
   * Makes a call over the connection.
   *
   * A network can drop a connection without a word, for example a NAT after its idle timeout. Such a connection shows only in a call
   * without an answer. If the connection has answered before, the call therefore gets two fifths of its time, and the rest over a new
   * connection. The call must bear being made twice.
   *
   * @param ms the longest time for the call, ms
   * @throws CallTimeout at the deadline; the errors of `run`
   */
  call<R>(ms: number, run: (connection: C, signal: AbortSignal) => Promise<R>): Promise<R>;
  /** Closes the present connection. */
  close(): Promise<void>;
}

/** The part of a call's time that a connection gets that has answered before. */
const firstPart = 0.4;

interface Opened<C> {
  connection: C;
  /** A call has ended with a result or with an error. */
  hasAnswered: boolean;
  isReplaced: boolean;
  /** The calls under way. */
  calls: number;
}

/**
 * Opens a connection that is replaced after a call without an answer. The replaced connection is closed after the end of its last call.
 *
 * @param open makes a connection. No request is made yet
 * @param close closes a connection. Its failure changes nothing
 * @throws the error of `open`
 */
export function openRenewable<C>(open: () => C, close: (connection: C) => unknown): Renewable<C> {
  const fresh = (): Opened<C> => ({
    connection: open(),
    hasAnswered: false,
    isReplaced: false,
    calls: 0,
  });
  let current = fresh();

  /** Makes one try over a connection. After a try without an answer, the next call gets a new connection. */
  async function attempt<R>(
    opened: Opened<C>,
    ms: number,
    run: (connection: C, signal: AbortSignal) => Promise<R>,
  ): Promise<R> {
    opened.calls += 1;
    try {
      const result = await withDeadline(ms, (signal) => run(opened.connection, signal));
      opened.hasAnswered = true;
      return result;
    } catch (error) {
      if (!(error instanceof CallTimeout)) opened.hasAnswered = true;
      // Of several calls without an answer over one connection, the first replaces the connection.
      else if (current === opened) {
        current = fresh();
        opened.isReplaced = true;
      }
      throw error;
    } finally {
      opened.calls -= 1;
      if (opened.isReplaced && opened.calls === 0) void quietly(() => close(opened.connection));
    }
  }

  return {
    async call(ms, run) {
      const first = current;
      if (!first.hasAnswered) return attempt(first, ms, run);
      try {
        return await attempt(first, ms * firstPart, run);
      } catch (error) {
        if (!(error instanceof CallTimeout)) throw error;
        return attempt(current, ms * (1 - firstPart), run);
      }
    },
    close: () => quietly(() => close(current.connection)),
  };
}

async function quietly(run: () => unknown): Promise<void> {
  try {
    await run();
  } catch {
    // A connection that cannot be closed ends by itself.
  }
}
