/** How a device proves who it is. */
export interface Authentication {
  type: 'sas' | 'selfSigned' | 'certificateAuthority' | 'none';
  symmetricKey: { primaryKey: string | null; secondaryKey: string | null };
  x509Thumbprint: { primaryThumbprint: string | null; secondaryThumbprint: string | null };
}

/** What a caller may say about a device. */
export interface WantedIdentity {
  deviceId: string;
  status: 'enabled' | 'disabled';
  statusReason: string | null;
  authentication: Authentication;
  capabilities: { iotEdge: boolean };
}

/** A device as the registry keeps it. */
export interface StoredIdentity extends WantedIdentity {
  /** The same for as long as the device is registered: tells it from an earlier one with its id. */
  generationId: string;
  /** Another one after each change; without its quotation marks. */
  etag: string;
  /** ISO 8601 */
  statusUpdatedTime: string;
}

/** What the hub says for "never". */
export const never = '0001-01-01T00:00:00Z';

/** A device as the registry answers it. */
export function identityAnswer(identity: StoredIdentity, connected: boolean): Record<string, unknown> {
  return {
    ...identity,
    connectionState: connected ? 'Connected' : 'Disconnected',
    connectionStateUpdatedTime: never,
    lastActivityTime: never,
    cloudToDeviceMessageCount: 0,
  };
}
