import type { Socket } from 'node:net';

/** An empty frame means "I am here" in AMQP 1.0 (part 2, section 2.4.5), and may be sent at any time. */
const emptyFrame = Buffer.from('0000000802000000', 'hex');

/**
 * Answers what needs no answer of its own with an empty frame.
 *
 * The SDK leaves Nagle's algorithm on: after a frame such as `flow`, its next small frame waits in the kernel until the
 * first is acknowledged, and Linux delays an acknowledgement for 40 ms unless there is data to send with it. Measured: 1 of
 * 100 messages took 50 ms from sender to handler, instead of 1 ms.
 */
export function acknowledgePromptly(socket: Socket): void {
  let isWaiting = false;
  socket.on('data', () => {
    if (isWaiting) return;
    isWaiting = true;
    const written = socket.bytesWritten;
    setImmediate(() => {
      isWaiting = false;
      if (socket.bytesWritten === written && socket.writable) socket.write(emptyFrame);
    });
  });
}
