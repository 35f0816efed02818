import { plural } from '../output/text.js';

/** The last line of doctor, about the checks. The first line of doctor tells the state of the system. */
export function verdict(faults: number, warnings: number): string {
  if (faults === 0 && warnings === 0) return 'No fault found in settings, connections and rights.';
  const parts = [faults > 0 ? plural(faults, 'fault') : '', warnings > 0 ? plural(warnings, 'warning') : ''];
  return `${parts.filter(Boolean).join(', ')}${faults === 0 ? ', no fault' : ''}.`;
}
