import { randomUUID } from 'node:crypto';
import type { Answer } from '../shared/requests.js';

/** The hub's error codes used here. The first three digits of a code are the HTTP status. */
export const hubErrorCodes = {
  ArgumentInvalid: 400004,
  ArgumentNull: 400005,
  DeviceDefinedMultipleTimes: 400011,
  InvalidProtocolVersion: 400001,
  IotHubFormatError: 400006,
  IotHubUnauthorizedAccess: 401002,
  /** The hub's SDKs list the code 413002, but the SDK for Node expects status 403. */
  TooManyDevices: 403000,
  DeviceNotFound: 404001,
  ResourceNotFound: 404000,
  MethodNotAllowed: 405000,
  DeviceAlreadyExists: 409001,
  PreconditionFailed: 412001,
  ThrottlingException: 429001,
  ThrottleBacklogLimitExceeded: 429002,
  ThrottlingBacklogTimeout: 429003,
} as const;

export type HubErrorCode = keyof typeof hubErrorCodes;

/**
 * A refused request in the hub's words. The message must not contain a semicolon: the SDK would cut the message there.
 */
export class HubError extends Error {
  constructor(
    readonly code: HubErrorCode,
    message: string,
  ) {
    super(message);
  }

  /** HTTP status */
  get status(): number {
    return Math.floor(hubErrorCodes[this.code] / 1000);
  }
}

/** The answer in the hub's words. The form of the body is from public logs. */
export function errorAnswer(error: HubError, now = new Date()): Answer {
  const trackingId = randomUUID().replaceAll('-', '').toUpperCase();
  const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(now.toISOString()) ?? [];
  return {
    status: error.status,
    headers: { 'iothub-errorcode': error.code },
    body: {
      Message: `ErrorCode:${error.code};${error.message}`,
      ExceptionMessage: `Tracking ID:${trackingId}-G:0-TimeStamp:${month}/${day}/${year} ${time}`,
    },
  };
}
