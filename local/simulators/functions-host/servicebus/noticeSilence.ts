import { createRequire } from 'node:module';

/** The .NET client of the real trigger takes a connection for lost after a minute without a frame. */
export const usualSilenceSeconds = 60;

/**
 * Makes the clients of this process take a connection for lost after this silence. The client closes a connection after twice its idle
 * timeout, which is a minute and no option of the client: the JavaScript SDK alone needs two minutes.
 */
export function noticeSilence(seconds: number): void {
  const requireHere = createRequire(import.meta.url);
  const requireThere = createRequire(requireHere.resolve('@azure/service-bus'));
  const { Constants } = requireThere('@azure/core-amqp') as {
    Constants: { defaultConnectionIdleTimeoutInMs: number };
  };
  Constants.defaultConnectionIdleTimeoutInMs = (seconds * 1_000) / 2;
}
