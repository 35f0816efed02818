import { EventEmitter } from 'node:events';
import { logStrayErrors } from '../../../src/shared/strayErrors.js';

test('an error that no code has caught is logged without its text', () => {
  const target = new EventEmitter();
  const lines: string[] = [];
  logStrayErrors(target, (line) => lines.push(line));
  target.emit('unhandledRejection', Object.assign(new TypeError('hunter2'), { code: 'EPIPE' }));
  target.emit('uncaughtException', undefined);
  expect(lines).toEqual([
    expect.stringMatching(/^A rejection that no code has handled: TypeError EPIPE at .*strayErrors\.test/),
    'An exception that no code has caught: nothing',
  ]);
});
