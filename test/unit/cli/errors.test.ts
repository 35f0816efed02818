import { CommanderError } from 'commander';
import { describeError } from '../../../cli/errors.js';
import { CliError, exitCodes } from '../../../cli/exitCodes.js';
import { ConfigError } from '../../../src/config/config.js';
import { RequestError } from '../../../src/ops/shared/request.js';
import { type ErrorCode, ProvisioningError } from '../../../src/shared/errors.js';

const provisioning = (code: ErrorCode) => new ProvisioningError(code, 'Why.');

test.each<[unknown, string, number]>([
  [new CliError('no-filter', exitCodes.wrongUsage, 'Why.'), 'no-filter', 2],
  [new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"), 'usage', 2],
  [new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)'), 'usage', 0],
  [new ConfigError(['A is missing']), 'settings', 2],
  [new RequestError('ops.bad-filter', 'Why.'), 'ops.bad-filter', 2],
  [new RequestError('ops.no-such-device', 'Why.', 404), 'ops.no-such-device', 3],
  [new RequestError('ops.has-ended', 'Why.', 409), 'ops.has-ended', 4],
  [provisioning('records-unavailable'), 'records-unavailable', 5],
  [provisioning('queue-unavailable'), 'queue-unavailable', 5],
  [provisioning('balena-unauthorized'), 'balena-unauthorized', 1],
  [new TypeError('a defect'), 'unexpected', 1],
])('%p has the code %s and the exit code %d', (error, code, exitCode) => {
  expect(describeError(error)).toMatchObject({ code, exitCode });
});

test('the message for a foreign error names only the class of the error', () => {
  const foreign = Object.assign(new Error('SharedAccessKey=hunter2'), { requestOptions: 'hunter2' });
  expect(JSON.stringify(describeError(foreign))).not.toContain('hunter2');
});

test('the message names doctor or npm start if the queue or the records are unavailable', () => {
  expect(describeError(provisioning('queue-unavailable')).message).toMatch(/^Why\. Run provisioner doctor/);
  expect(describeError(provisioning('queue-unavailable'), true).message).toContain('npm start');
});

test('the prefix "error: " of a Commander message is removed', () => {
  const { message } = describeError(new CommanderError(1, 'x', "error: unknown option '--x'"));
  expect(message).toBe("unknown option '--x'");
});
