import type { EventEmitter } from 'node:events';
import { sanitizeError } from './sanitizeError.js';

/**
 * Keeps the process alive after an error that no code has caught. The end of the process would fail every request and message under way,
 * and the third end stops the whole Functions host. The state of all work is in the records, so nothing depends on the code that has
 * failed. Every call of the product handles its own errors: such an error is a defect, of the product or of a library.
 *
 * @param target the process
 * @param log gets a line with the kind of the error and its place, without its text, because the text could quote a key
 */
export function logStrayErrors(target: EventEmitter, log: (line: string) => void): void {
  const handle = (kind: string) => (error: unknown) => {
    const { name, code, at } = sanitizeError(error) ?? { name: 'nothing', at: [] };
    log(`${kind}: ${[name, code].filter(Boolean).join(' ')} ${at[0] ?? ''}`.trimEnd());
  };
  target.on('unhandledRejection', handle('A rejection that no code has handled'));
  target.on('uncaughtException', handle('An exception that no code has caught'));
}
