import type { HealthFacts } from '../../src/health/facts.js';
import { type HealthLine, healthLines } from '../../src/health/health.js';
import type { Dependency } from '../../src/shared/errors.js';
import { type Check, failed, warning } from './check.js';

/**
 * The checks of the parts that the workers report about. A part without a fault adds no check. A stop of all work is a fault, and throttling
 * is a warning.
 */
export function partChecks(facts: HealthFacts): Check[] {
  return healthLines(facts)
    .filter((line) => !line.ok)
    .flatMap((line) => {
      if (line.name === 'worker') return [failed('worker', line.detail, fromStatusLine)];
      return line.name === 'balena' || line.name === 'hub' ? [dependencyCheck(line.name, line, facts)] : [];
    });
}

function dependencyCheck(name: Dependency, { detail }: HealthLine, { circuits }: HealthFacts): Check {
  const title = `workers: ${name}`;
  const circuit = circuits[name];
  if (circuit?.state !== 'open') return warning(title, detail, fromStatusLine);
  return failed(title, detail, circuit.code === 'balena-unauthorized' ? renewKey : fromStatusLine);
}

const fromStatusLine = 'see the status line above. All work continues automatically';
const renewKey =
  'renew BALENA_API_KEY of the functions. The check "balena: key" below tests the key of this command, which may be another one';
