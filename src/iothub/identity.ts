import type { Device } from 'azure-iothub';
import type { HubIdentity, IdentityVersion, ThumbprintPair } from './types.js';

/** The properties that only the hub sets, and the authentication, which is ours. */
const notKept = [
  'deviceId',
  'generationId',
  'etag',
  'connectionState',
  'connectionStateUpdatedTime',
  'statusUpdatedTime',
  'lastActivityTime',
  'cloudToDeviceMessageCount',
  'authentication',
];

/** The body of a create or an update. @param properties the properties to keep; null for the properties of a new identity */
export function identityBody(
  deviceId: string,
  [primaryThumbprint, secondaryThumbprint]: ThumbprintPair,
  properties: IdentityVersion['properties'] = null,
) {
  return {
    ...(properties ?? { status: 'enabled' as const }),
    deviceId,
    authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint, secondaryThumbprint } },
  };
}

/** An identity in an answer of the hub. @param device an answer with a device id */
export function identityOf(device: Device): HubIdentity {
  return {
    thumbprints: thumbprintsOf(device),
    isDisabled: device.status !== 'enabled',
    version: versionOf(device),
  };
}

export function versionOf(device: Device): IdentityVersion {
  const kept = Object.entries(device).filter(([name]) => !notKept.includes(name));
  const isLikeNew = kept.every(([name, value]) => (name === 'status' ? value === 'enabled' : isUnset(value)));
  return { etag: device.etag ?? '', properties: isLikeNew ? null : Object.fromEntries(kept) };
}

export function thumbprintsOf({ authentication }: Device): ThumbprintPair | null {
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  if (!primaryThumbprint) return null;
  return [primaryThumbprint.toUpperCase(), (secondaryThumbprint || primaryThumbprint).toUpperCase()];
}

/** A value that a new identity has as well: nothing, an empty text or list, or capabilities that are all off. */
function isUnset(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isUnset);
  return value === null || value === undefined || value === '' || value === false;
}
