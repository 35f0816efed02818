import { isDisabled } from '../../../../local/simulators/functions-host/startTriggers.js';

test.each([
  [{ 'AzureWebJobs.worker.Disabled': 'true' }, true],
  [{ AzureWebJobs_worker_Disabled: '1' }, true],
  [{ azurewebjobs_WORKER_disabled: 'TRUE' }, true],
  [{ AzureWebJobs_worker_Disabled: 'false' }, false],
  [{ AzureWebJobs_other_Disabled: 'true' }, false],
  [{}, false],
])('a function is switched off by %j: %s', (env, expected) => {
  expect(isDisabled('worker', env)).toBe(expected);
});
