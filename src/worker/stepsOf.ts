import type { StepTrace } from '../record/DeviceRecord.js';
import type { Ending } from './finish.js';
import type { Run } from './Run.js';

/**
 * The steps of a run, as its story shows them. A step may also fail by what was found, after its calls outside have all gone well
 * (the service is not there, for example): that is only known from how the run ended.
 */
export function stepsOf({ steps }: Pick<Run, 'steps'>, ending: Ending): StepTrace[] {
  if (ending.kind !== 'failed') return [...steps];
  const { step, code } = ending.error;
  return steps.map((trace) => (trace.step === step ? { ...trace, code } : trace));
}
