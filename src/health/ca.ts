import { policyOf } from '../shared/errorPolicy.js';
import { type EpochMs, iso, isoOrNull } from '../shared/time.js';
import type { CaLife, HealthFacts } from './facts.js';
import type { Incident } from './statusSchema.js';

const days = 86_400_000;

/** The life of the CA in the settings; null without a CA, and for a local CA. */
export function caLifeOf(config: {
  ca: { certificates: { notAfter: EpochMs } } | object | null;
  certificate: { days: number };
}): CaLife | null {
  if (!config.ca || !('certificates' in config.ca)) return null;
  const { notAfter } = config.ca.certificates;
  return { notAfter, shortensAt: notAfter - config.certificate.days * days };
}

/** A device that waits for the CA tries again after an hour at the latest. */
const failureCountsMs = 2 * 3_600_000;

/** The incidents of the CA. Only devices with certificate requests wait for the CA, so no incident stops all work. */
export function caIncidents({ at, row, caLife }: HealthFacts): Incident[] {
  const found: Incident[] = [];
  const { failedAt = null, answeredAt = null, code = null } = row?.ca ?? {};
  if (code && failedAt !== null && failedAt > (answeredAt ?? 0) && at - failedAt < failureCountsMs) {
    const { meaning: what, advice: todo } = policyOf(code);
    found.push(incident('ca-failing', what, todo, failedAt));
  }
  if (caLife && at >= caLife.shortensAt) {
    const end = iso(caLife.notAfter);
    const what =
      at < caLife.notAfter
        ? `The certificate of the CA ends at ${end}, and new certificates end with it.`
        : `The certificate of the CA ended at ${end}. Devices with certificate requests wait.`;
    found.push(incident('ca-near-expiry', what, 'Make another CA, and change CA_CERTIFICATE.', null));
  }
  return found;
}

function incident(kind: Incident['kind'], what: string, todo: string, since: EpochMs | null): Incident {
  return { kind, level: 'attention', what, since: isoOrNull(since), todo, runbook: 'the-ca-cannot-sign' };
}
