import type { Ca } from '../../../src/certificates/ca/ca.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { Wish } from './callers.js';
import { certificateFor } from './certificates.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';

/** Whether the wish is for a certificate of the CA. */
const isForSignature = (wish: Wish) => wish.present && wish.own?.thumbprint === null;

/** A CA whose signatures take time, and that fails from time to time. Each signature makes another certificate. */
export function fakeCa(system: System, process: Process): Ca {
  const { world, cloud, rule } = system;
  const ca: Ca = {
    async sign(uuid, own) {
      await world.step(process);
      if (world.now < world.down.ca || world.fails(0.1))
        throw new ProvisioningError('ca-unavailable', 'No answer (fake).', { step: 'sign' });
      const { ownKey } = cloud.device(uuid);
      ownKey.signatures += 1;
      const certificate = certificateFor(own, `${uuid} by the CA ${ownKey.signatures}`);
      ownKey.requested.push(certificate.thumbprint);
      ownKey.keys.set(certificate.thumbprint, own.key);
      // A request that crosses with a run takes the place of the request whose key the CA has signed. If it is refused, the CA signs again.
      const crossing = system.callersOf(uuid).requests.filter(({ wish }) => !isForSignature(wish)).length;
      const most = ownKey.csrs + crossing;
      if (world.calm && ownKey.signatures > most && !cloud.device(uuid).recordLost)
        world.violated(uuid, 'more signatures than certificate requests');
      return { ...certificate, certificate: 'der' };
    },
    check: async () => {},
    chainOf: () => null,
    notAfter: Number.POSITIVE_INFINITY,
  };
  return rule.ca?.(ca) ?? ca;
}
