import { X509Certificate } from 'node:crypto';
import { openVirtualSystem } from '../../../bench/virtual/system.js';
import { minter, thumbprintOf } from '../../../src/certificates/mint.js';
import { readOwnCertificate } from '../../../src/certificates/own.js';
import type { DeviceRequest } from '../../../src/device/request.js';
import { accept } from '../../../src/provisioning/accept.js';

/* A device changes between an issued key and an own key, with the product's own code and in virtual time. */

const minutes = 60_000;
const days = 24 * 60 * minutes;
const uuid = 'ab'.repeat(16);
const issuedRequest: DeviceRequest = { uuid, present: true, service: 'main' };

async function openDevice() {
  const system = openVirtualSystem({ tier: 'S1', units: 1, instances: 1 });
  const { time, cloud } = system;
  const { deps } = system.instance();
  const mint = minter();
  cloud.fleets.set(uuid, 'local/demo');
  system.mints.set(uuid, [await mint(uuid, time.now()), await mint(uuid, time.now())]);
  const ask = async (request: DeviceRequest) => {
    let answer: Awaited<ReturnType<typeof accept>> | undefined;
    void accept(deps, request).then((given) => {
      answer = given;
    });
    await time.run(time.now() + minutes, () => answer !== undefined);
    if (!answer) throw new Error('there is no answer');
    return answer;
  };
  const own = async () => {
    const { certificate } = await mint(uuid, time.now());
    return readOwnCertificate(certificate, { uuid, now: time.now(), days: 365 });
  };
  return {
    ask,
    own,
    askOwn: (certificate: Awaited<ReturnType<typeof own>>, uses?: string) =>
      ask({ uuid, present: true, service: null, own: { ...certificate, uses } }),
    after: (ms: number) => time.run(time.now() + ms),
    accepts: () => cloud.identities.get(uuid)?.thumbprints,
    /** The thumbprint of the certificate in balena; null if nothing is stored there. */
    stored: () => {
      const { AZURE_CERT: cert, AZURE_PRIVATE_KEY: key } = cloud.variables.get(uuid) ?? {};
      return cert && key ? thumbprintOf(new X509Certificate(Buffer.from(cert.value, 'base64'))) : null;
    },
    record: async () => {
      const stored = deps.records.read(uuid);
      await time.run(time.now() + minutes);
      return (await stored)?.value;
    },
  };
}

test('from an own key to an issued key: after ten minutes, and the device is never cut off', async () => {
  const device = await openDevice();
  const first = await device.own();
  await device.askOwn(first);
  await device.after(minutes);
  expect([device.accepts(), device.stored()]).toEqual([[first.thumbprint, first.thumbprint], null]);
  // The first key of a device is no change from another kind, so no time has to pass.
  expect((await device.ask(issuedRequest)).kind).toBe('accepted');
  await device.after(minutes);
  const issued = device.stored();
  // The own certificate stays valid beside the issued one.
  expect(device.accepts()).toEqual([issued, first.thumbprint]);

  const second = await device.own();
  expect((await device.askOwn(second)).kind).toBe('accepted');
  await device.after(minutes);
  expect(device.accepts()).toEqual([second.thumbprint, issued]);
  const early = await device.ask(issuedRequest);
  expect(early.kind).toBe('service-conflict');
  expect([device.accepts(), device.stored()]).toEqual([[second.thumbprint, issued], issued]);
  await device.after(10 * minutes);
  expect((await device.ask(issuedRequest)).kind).toBe('accepted');
  await device.after(minutes);
  // The variables were still there: the device gets the same pair, and nothing is written at the hub.
  expect([device.accepts(), device.stored()]).toEqual([[second.thumbprint, issued], issued]);
  expect(await device.record()).toMatchObject({ job: null, desired: { service: 'main' } });
});

test('from an issued key to an own key: the issued one ends when the device shows its own, or after seven days', async () => {
  const shown = await openDevice();
  const silent = await openDevice();
  for (const device of [shown, silent]) {
    await device.ask(issuedRequest);
    await device.after(minutes);
    const issued = device.stored();
    expect(issued).not.toBeNull();
    const own = await device.own();
    expect((await device.askOwn(own)).kind).toBe('accepted');
    await device.after(minutes);
    expect([device.accepts(), device.stored()]).toEqual([[own.thumbprint, issued], issued]);
    if (device === shown) expect((await device.askOwn(own, own.thumbprint)).kind).toBe('accepted');
    else {
      await device.after(6 * days);
      expect([device.accepts(), device.stored()]).toEqual([[own.thumbprint, issued], issued]);
      await device.after(2 * days);
    }
    await device.after(minutes);
    expect([device.accepts(), device.stored()]).toEqual([[own.thumbprint, own.thumbprint], null]);
  }
});
