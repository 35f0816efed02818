import type { Device } from 'azure-iothub';
import { identityBody, identityOf, versionOf } from '../../../src/iothub/identity.js';
import type { ThumbprintPair } from '../../../src/iothub/types.js';

const pair: ThumbprintPair = ['A'.repeat(64), 'B'.repeat(64)];
const [primaryThumbprint, secondaryThumbprint] = pair;

/** An identity as the hub answers: beside the properties of a new identity it has these properties. */
const answered = (more: object = {}) =>
  ({
    deviceId: 'device',
    generationId: '637',
    etag: 'e1',
    connectionState: 'Connected',
    connectionStateUpdatedTime: '2030-01-01T00:00:00Z',
    status: 'enabled',
    statusReason: null,
    statusUpdatedTime: '0001-01-01T00:00:00Z',
    lastActivityTime: '2030-01-01T00:00:00Z',
    cloudToDeviceMessageCount: 3,
    capabilities: { iotEdge: false },
    parentScopes: [],
    authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint, secondaryThumbprint } },
    ...more,
  }) as unknown as Device;

test('an identity with the properties of a new one has no properties to keep', () => {
  expect(versionOf(answered())).toEqual({ etag: 'e1', properties: null });
});

test.each([
  ['an edge device', { capabilities: { iotEdge: true } }],
  ['a device with a parent', { parentScopes: ['ms-azure-iot-edge://gateway-1'] }],
  ['a device with a reason', { statusReason: 'checked by Ada' }],
  ['a disabled device', { status: 'disabled' }],
])(
  'an update of %s keeps what another program has set, and sends nothing back that only the hub sets',
  (_, more) => {
    const { properties } = versionOf(answered(more));
    expect(properties).toMatchObject(more);
    expect(identityBody('device', pair, properties)).toEqual({
      status: 'enabled',
      statusReason: null,
      capabilities: { iotEdge: false },
      parentScopes: [],
      ...more,
      deviceId: 'device',
      authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint, secondaryThumbprint } },
    });
  },
);

test('a new identity is enabled', () => {
  expect(identityBody('device', pair)).toMatchObject({ status: 'enabled' });
});

test('an identity that is not enabled is disabled, and an identity with one thumbprint has that thumbprint twice', () => {
  const authentication = { x509Thumbprint: { primaryThumbprint: 'a'.repeat(64) } };
  expect(identityOf(answered({ status: 'disabled', authentication }))).toMatchObject({
    isDisabled: true,
    thumbprints: ['A'.repeat(64), 'A'.repeat(64)],
  });
  expect(identityOf(answered({ authentication: undefined })).thumbprints).toBeNull();
});
