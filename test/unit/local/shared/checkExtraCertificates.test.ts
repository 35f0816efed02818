import { fileURLToPath } from 'node:url';
import { checkExtraCertificates } from '../../../../local/simulators/shared/runSimulator.js';

test('a file of further certificates that cannot be read is named', async () => {
  await expect(checkExtraCertificates('/nowhere/ca.pem')).rejects.toThrow(
    'NODE_EXTRA_CA_CERTS names /nowhere/ca.pem, which cannot be read: correct the path, or unset it',
  );
});

test('one that can be read, and none, are fine', async () => {
  await checkExtraCertificates(fileURLToPath(import.meta.url));
  await checkExtraCertificates('');
});
