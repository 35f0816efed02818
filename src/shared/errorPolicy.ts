/** The external systems that the work on a device depends on. */
export type Dependency = 'balena' | 'hub';

/** Who or what has to change before the work can succeed. */
export type Fault =
  /** The dependency is down, slow or busy. */
  | 'dependency'
  /** The dependency rejects our credentials. */
  | 'key'
  /** A quota of our hub is used up. */
  | 'quota'
  /** The device's fleet, or its settings. */
  | 'fleet'
  /** This device alone. */
  | 'device'
  /** Our own records or queue. */
  | 'storage'
  /** This product, or its host. */
  | 'product'
  /** An operator's decision. */
  | 'operator';

/** The meaning of an error code for every part of the product: one row a code. */
export interface ErrorPolicy {
  fault: Fault;
  /** The dependency that the code names; null for a code that can come from either, or from neither. */
  dependency: Dependency | null;
  /** True if the first such error makes the request fail for good: no later run can succeed without a change by an operator. */
  isFinal: boolean;
  /**
   * Runs that follow within about a minute, before a final error ends the request, if balena may only not have the device or its services
   * yet (`ProvisioningError.mayAppear`).
   */
  quickTries: number;
  /**
   * Whether one run repeats the failed call: a few times within 20 s; or `once`, over a new connection, because the old connection may
   * have been dropped without a word.
   */
  retriedInRun: 'never' | 'once' | 'always' | 'unless-outcome-unknown' | 'if-wait-is-short';
  /**
   * Whether a run that failed so counts as an attempt. A request fails for good after MAX_ATTEMPTS attempts. The circuits are the circuit of
   * the dependency that the code names, or both circuits if the code names none.
   */
  countsAsAttempt: 'never' | 'while-circuits-are-closed';
  /** The longest wait before the first retry, ms. Later waits double. */
  firstBackOffMs: number;
  /** Runs that received the same Retry-After are spread over this time, ms. */
  spreadMs: number;
  /**
   * Whether the dependency's circuit opens. `if-others-fail`: the error may be the fault of one device. The circuit opens if the dependency
   * does not answer a ping either, or if several different devices fail in a row.
   */
  opensCircuit: 'never' | 'at-once' | 'if-others-fail';
  /**
   * The HTTP status if an HTTP function itself ends with the error: 503 means that the caller may repeat the request. A request that
   * failed for good is always answered with 422.
   */
  httpStatus: 422 | 503;
  /** One sentence for the documents and the API description. */
  meaning: string;
  /**
   * The operator's next step. Commands are in backticks; `<slug>`, `<uuid>` and `<name>` stand for a fleet, a device and a service. A drill in
   * test/e2e/drills follows the advice of each code.
   */
  advice: string;
}

const seconds = 1_000;

/** The row that most codes share. */
const usual = {
  dependency: null,
  isFinal: false,
  quickTries: 0,
  retriedInRun: 'never',
  countsAsAttempt: 'never',
  firstBackOffMs: 5 * seconds,
  spreadMs: 5 * seconds,
  opensCircuit: 'never',
  httpStatus: 503,
} as const;

/** No later run can succeed. */
const final = { ...usual, isFinal: true, httpStatus: 422 } as const;

/** balena does not have what the request names, or not yet. */
const missing = { ...final, quickTries: 4 } as const;

/** The dependency is too busy. */
const busy = {
  ...usual,
  fault: 'dependency',
} as const;

/** The dependency does not answer, or answers with an error of its own: for every device, or for this device alone. */
const unavailable = {
  ...busy,
  retriedInRun: 'unless-outcome-unknown',
  countsAsAttempt: 'while-circuits-are-closed',
  opensCircuit: 'if-others-fail',
} as const;

const replayUnavailable = (code: string) =>
  `Wait: the work is retried automatically. Replay what has failed for good: \`provisioner dead-letters replay --code ${code}\`. If only single devices or fleets fail, report the message to the provider of the dependency.`;

/** The credentials are wrong, or a quota of the hub is used up: a few seconds change nothing. */
const accountBlocked = {
  ...usual,
  fault: 'key',
  firstBackOffMs: 60 * seconds,
  opensCircuit: 'at-once',
} as const;

/** The CA cannot sign before an operator has changed something. Nothing else needs the CA, so no circuit opens. */
const caBlocked = { ...usual, firstBackOffMs: 60 * seconds } as const;

/** Our own storage does not answer. */
const storageUnavailable = {
  ...usual,
  fault: 'storage',
  advice:
    'Wait: the work is retried automatically, and a caller with the answer 503 repeats the request. `provisioner doctor` checks the connection and the rights.',
} as const;

/** The fault may lie in this device alone, so the failures are counted: a request that always fails in this way must fail for good. */
const deviceFailed = { ...usual, fault: 'device', countsAsAttempt: 'while-circuits-are-closed' } as const;

/** The error policy: every code with its row. The codes are stable, because records, dead letters and answers carry them. */
export const errorPolicies = {
  'device-not-found': {
    ...missing,
    fault: 'device',
    meaning: 'balena has no device with this UUID.',
    advice:
      'Check that the UUID is the full one, and that BALENA_API_KEY sees the fleet. If the device was deleted, discard the request: `provisioner dead-letters discard --code device-not-found --fleet <slug> --reason deleted`. A request for a device that balena never had has no dead letter, and is removed after a day. If balena has the device by now, the next request of the device after the cool-down provisions the device.',
  },
  'device-not-visible': {
    ...deviceFailed,
    fault: 'fleet',
    meaning:
      'balena shows neither the device nor its fleet: the fleet was deleted, or the key has lost a right.',
    advice:
      'If the fleet was deleted, discard its requests: `provisioner dead-letters discard --code device-not-visible --fleet <slug> --reason deleted`. Then remove the identities of its devices: `provisioner sweep --fleet <slug> --allow-gone`. Otherwise check BALENA_API_KEY and its rights, and replay: `provisioner dead-letters replay --code device-not-visible --fleet <slug>`.',
  },
  'service-not-found': {
    ...missing,
    fault: 'fleet',
    meaning: 'The device has no service with this name. No credentials were created.',
    advice:
      'If the name is wrong, first correct balena_service in the caller, because each later request with the wrong name fails again. Then replay with one of the services that the message names: `provisioner dead-letters replay --code service-not-found --fleet <slug> --service <name>`. Otherwise release the service, and replay: `provisioner dead-letters replay --code service-not-found --fleet <slug>`.',
  },
  'fleet-not-allowed': {
    ...final,
    fault: 'fleet',
    meaning: "The device's fleet is not in FLEETS.",
    advice:
      'Add the fleet to FLEETS, and replay: `provisioner dead-letters replay --code fleet-not-allowed --fleet <slug>`. Otherwise discard the requests: `provisioner dead-letters discard --code fleet-not-allowed --fleet <slug> --reason "not served"`.',
  },
  'balena-rejected': {
    ...final,
    fault: 'device',
    dependency: 'balena',
    meaning: 'balena will never accept this request. The message says why.',
    advice:
      'Fix what the message names, then replay: `provisioner dead-letters replay --code balena-rejected`.',
  },
  'hub-rejected': {
    ...final,
    fault: 'device',
    dependency: 'hub',
    meaning: 'The hub will never accept this identity. The message says why.',
    advice: 'Fix what the message names, then replay: `provisioner dead-letters replay --code hub-rejected`.',
  },
  'hub-device-disabled': {
    ...final,
    fault: 'device',
    dependency: 'hub',
    meaning: 'An operator has disabled the identity at the hub. The identity was left as it is.',
    advice:
      'If the device may connect again, enable its identity at the hub, and replay: `provisioner dead-letters replay --uuid <uuid>`. Otherwise discard the request: `provisioner dead-letters discard --uuid <uuid> --reason disabled`. The identity then stays disabled.',
  },
  'certificate-revoked': {
    ...final,
    fault: 'device',
    meaning: 'The own certificate of the device is revoked. The hub accepts it no more.',
    advice: 'Let the device make a new key, and request with a new certificate. Nothing else helps.',
  },
  'balena-conflict': {
    ...deviceFailed,
    dependency: 'balena',
    meaning: 'The device, or its variables, changed in balena at the same time.',
    advice:
      'Wait: the work is retried automatically. If requests fail for good, find out which other program changes the device or its variables, stop that program, and replay: `provisioner dead-letters replay --code balena-conflict`.',
  },
  'balena-write-refused': {
    ...deviceFailed,
    fault: 'fleet',
    dependency: 'balena',
    // An operator must give the right. The first wait is long enough for a service that is just being replaced.
    firstBackOffMs: 30 * seconds,
    meaning: 'balena accepts our API key, and refuses to change the variables of this device.',
    advice:
      "Give the key's user the role Operator or higher for the fleet that the message names. `provisioner doctor --prove-write` shows the right. Then replay: `provisioner dead-letters replay --code balena-write-refused`.",
  },
  'hub-conflict': {
    ...deviceFailed,
    dependency: 'hub',
    meaning:
      'Another program changes the same identity at the hub, or the hub cannot show a new identity yet.',
    advice:
      'Wait: the work is retried automatically. If requests fail for good, find out which other program changes the identity, stop that program, and replay: `provisioner dead-letters replay --code hub-conflict`.',
  },
  'balena-throttled': {
    ...busy,
    dependency: 'balena',
    retriedInRun: 'if-wait-is-short',
    meaning: 'balena limits our requests (429), or asks us to wait (503 with Retry-After).',
    advice:
      'Wait: the work is retried automatically, and no request fails for good. If the code comes back often, lower BALENA_REQUESTS_PER_MINUTE.',
  },
  'hub-throttled': {
    ...busy,
    dependency: 'hub',
    meaning: 'The hub limits registry operations (429).',
    advice:
      'Wait: the work is retried automatically, and no request fails for good. If the code comes back often, compare IOTHUB_TIER and IOTHUB_UNITS with the size of the hub, and look for other programs that use the hub.',
  },
  'balena-unavailable': {
    ...unavailable,
    dependency: 'balena',
    meaning: 'balena does not answer, or answers with an error of its own, for all devices or for this one.',
    advice: replayUnavailable('balena-unavailable'),
  },
  'hub-unavailable': {
    ...unavailable,
    dependency: 'hub',
    meaning: 'The hub does not answer, or answers with an error of its own, for all devices or for this one.',
    advice: replayUnavailable('hub-unavailable'),
  },
  'timed-out': {
    ...unavailable,
    retriedInRun: 'once',
    meaning: 'balena or the hub did not answer in time.',
    advice: replayUnavailable('timed-out'),
  },
  'balena-unauthorized': {
    ...accountBlocked,
    dependency: 'balena',
    meaning: 'balena rejects our API key.',
    advice:
      'Check BALENA_API_KEY and its rights: `provisioner doctor` says what is missing. All work waits until the key is right, and then continues automatically.',
  },
  'hub-unauthorized': {
    ...accountBlocked,
    dependency: 'hub',
    meaning: 'The hub rejects our credentials.',
    advice:
      "Check the hub's connection string, or the role of the managed identity: `provisioner doctor` says what is missing. All work waits until the credentials are right, and then continues automatically.",
  },
  'hub-quota-exceeded': {
    ...accountBlocked,
    fault: 'quota',
    dependency: 'hub',
    meaning: "The hub's daily quota, or its number of devices, is used up.",
    advice:
      'Add units to the hub, or wait for midnight UTC. If the hub holds its maximum number of devices, remove devices or use another hub. All work waits until then, and then continues automatically.',
  },
  'ca-unavailable': {
    ...busy,
    meaning: 'Key Vault, which has the key of the CA, does not answer, or answers with an error of its own.',
    advice:
      'Wait: the work is retried automatically, and no request fails for good. Only devices with certificate requests wait. Check the state of Key Vault.',
  },
  'ca-throttled': {
    ...busy,
    meaning: 'Key Vault limits our requests (429).',
    advice:
      'Wait: the work is retried automatically, and no request fails for good. If the code comes back often, give the CA a vault of its own.',
  },
  'ca-unauthorized': {
    ...caBlocked,
    fault: 'key',
    meaning: 'Key Vault rejects our credentials, or does not allow signatures with the key of the CA.',
    advice:
      'Give the managed identity the role Key Vault Crypto User for the key, and check the firewall of the vault. Devices with certificate requests wait until then, and then continue automatically.',
  },
  'ca-unusable': {
    ...caBlocked,
    fault: 'product',
    meaning:
      'The CA cannot sign: its settings are missing, its key and its certificate do not belong together, or its certificate is about to expire.',
    advice:
      'Correct CA_CERTIFICATE and CA_KEY_VAULT_KEY, as the message and docs/own-keys.md say. Devices with certificate requests wait until then, and then continue automatically.',
  },
  'records-unavailable': {
    ...storageUnavailable,
    // An update reads the record first, and recognises its own earlier write.
    retriedInRun: 'always',
    meaning: 'The table of the device records does not answer.',
  },
  'record-too-large': {
    ...final,
    fault: 'device',
    meaning: 'The table refuses the record of this device, because the record is too large.',
    advice:
      'Search the log for the requests of this device: many services in a short time are a mistake of the caller. Then deprovision the device, `provisioner deprovision <uuid>`, and request the device again: `provisioner provision <uuid> --service <name>`.',
  },
  'queue-unavailable': {
    ...storageUnavailable,
    meaning: 'The Service Bus queue does not answer.',
  },
  'queue-throttled': {
    ...storageUnavailable,
    // The callers come back spread over a minute. Otherwise they would use up the credits of the same second again.
    spreadMs: 60 * seconds,
    meaning: 'Service Bus limits our requests: the namespace has used up its credits of this second.',
    advice:
      'Wait: the work is retried automatically. If this happens for more than some minutes, see "Service Bus says busy" in docs/runbook.md.',
  },
  unexpected: {
    ...deviceFailed,
    fault: 'product',
    meaning: 'An unknown error.',
    advice:
      'Look up the UUID in the log, and replay: `provisioner dead-letters replay --uuid <uuid>`. If the error comes back, report the error.',
  },
  'worker-died': {
    ...usual,
    fault: 'product',
    httpStatus: 422,
    meaning: 'The worker stopped each time in the middle of its work on this device.',
    advice:
      "Search the worker's log for crashes and for the memory limit, then replay: `provisioner dead-letters replay --code worker-died`.",
  },
  cancelled: {
    ...usual,
    fault: 'operator',
    httpStatus: 422,
    meaning: 'An operator cancelled the replay.',
    advice: 'When the cause is fixed, replay: `provisioner dead-letters replay --status cancelled`.',
  },
} satisfies Record<string, ErrorPolicy>;

/** A code of the error policy. */
export type ErrorCode = keyof typeof errorPolicies;

/** All codes, in the order of the table. */
export const errorCodes = Object.keys(errorPolicies) as [ErrorCode, ...ErrorCode[]];

/** The row of a code in the error policy. */
export function policyOf(code: ErrorCode): ErrorPolicy {
  return errorPolicies[code];
}

/** The device or the fleet of an advice. A value that is not known is null or missing. */
export interface AdviceFor {
  uuid?: string | null;
  fleet?: string | null;
  /** The fleets that exist, as far as the caller knows. */
  fleets?: Iterable<string>;
}

/** The fleets that an advice names. */
const mostFleets = 5;

/**
 * The operator's next step.
 *
 * @param code the code of a failed request, or the reason of a dead letter that this version cannot read
 * @param about fills the UUID and the fleet into the commands. Without a fleet, commands about dead letters name the device. Where `<slug>` stays, the
 * advice says which fleets exist
 */
export function adviceFor(code: string, { uuid, fleet, fleets = [] }: AdviceFor = {}): string {
  if (!Object.hasOwn(errorPolicies, code))
    return 'This version cannot read the dead letter, or Service Bus dead-lettered the message. Read the message in the queue. Discard the message if another program has sent it.';
  const { advice } = policyOf(code as ErrorCode);
  const withDevice = uuid ? advice.replaceAll('<uuid>', uuid) : advice;
  if (fleet) return withDevice.replaceAll('<slug>', fleet);
  // A dead letter without a known fleet matches no filter for a fleet.
  const filtered = uuid
    ? withDevice.replaceAll(/(dead-letters [^`]*)--fleet <slug>/g, `$1--uuid ${uuid}`)
    : withDevice;
  return filtered.includes('<slug>') ? `${filtered} ${whatSlugMeans([...new Set(fleets)])}` : filtered;
}

function whatSlugMeans(fleets: string[]): string {
  if (fleets.length === 0) return '`<slug>` stands for the fleet, such as my_org/my_fleet.';
  const more = fleets.length > mostFleets ? `, and ${fleets.length - mostFleets} more` : '';
  return `\`<slug>\` stands for the fleet. Fleets with records: ${fleets.sort().slice(0, mostFleets).join(', ')}${more}.`;
}
