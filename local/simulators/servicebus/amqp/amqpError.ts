import rhea, { type AmqpError } from 'rhea';
import { BrokerError, type BrokerErrorCode } from '../engine/BrokerError.js';

/** For each error code, the AMQP condition and the status code of a management reply, both as Service Bus uses them. */
const conditions: Record<BrokerErrorCode, [condition: string, status: number]> = {
  argument: ['com.microsoft:argument-error', 400],
  'entity-exists': ['com.microsoft:entity-already-exists', 409],
  'entity-not-found': ['amqp:not-found', 404],
  internal: ['amqp:internal-error', 500],
  'lock-lost': ['com.microsoft:message-lock-lost', 410],
  'message-not-found': ['com.microsoft:message-not-found', 404],
  'message-too-large': ['amqp:link:message-size-exceeded', 403],
  'not-allowed': ['amqp:not-allowed', 400],
  'not-supported': ['amqp:not-implemented', 501],
  'quota-exceeded': ['amqp:resource-limit-exceeded', 403],
  'server-busy': ['com.microsoft:server-busy', 503],
  'store-unavailable': ['com.microsoft:server-busy', 503],
  unauthorized: ['amqp:unauthorized-access', 401],
};

/** An error in the form for a link, a disposition or a management reply. */
export interface ConditionError {
  condition: string;
  description: string;
  status: number;
}

export function conditionError(error: unknown): ConditionError {
  const known = asBrokerError(error);
  const [condition, status] = conditions[known.code];
  return { condition, status, description: known.message };
}

/** The error in the form for closing a link or a connection. */
export function amqpError(error: unknown): AmqpError {
  const { condition, description } = conditionError(error);
  return { condition, description };
}

function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BrokerError('argument', `The local broker could not process this: ${message}`, { cause: error });
}

const { types } = rhea;

/** The accepted outcome of a delivery: AMQP 1.0 part 3, section 3.4. */
export const accepted = types.described(types.wrap_ulong(0x24), types.wrap_list([]));

export function rejected(error: unknown): typeof accepted {
  return types.described(types.wrap_ulong(0x25), types.wrap_list([types.wrap_error(amqpError(error))]));
}
