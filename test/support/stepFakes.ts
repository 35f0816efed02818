import { rememberSight } from '../../src/balena/sight.js';
import type {
  BalenaClient,
  BalenaDevice,
  ScopedVariables,
  Variable,
  VariableName,
} from '../../src/balena/types.js';
import { type Credentials, minter } from '../../src/certificates/mint.js';
import type { Desired, Observed, VariableScope } from '../../src/device/record.js';
import type { HubIdentity, HubRegistry, IdentityVersion, ThumbprintPair } from '../../src/iothub/types.js';
import type { Work } from '../../src/provisioning/steps/work.js';
import { ProvisioningError } from '../../src/shared/errors.js';

export const uuid = 'ab'.repeat(16);
export const now = 1_800_000_000_000;
export const day = 86_400_000;

/** Thumbprints: SHA-256 except for `sha1`. */
export const [A, B, C, D, E] = ['A', 'B', 'C', 'D', 'E'].map((deadLetter) => deadLetter.repeat(64)) as [
  string,
  string,
  string,
  string,
  string,
];
export const sha1 = 'F'.repeat(40);

const mint = minter({ days: 100 });
export const mintFor = (id = uuid, at = now): Promise<Credentials> => mint(id, at);

/** A place of a device with these variables. */
export function scopedVariablesOf(
  ownerId: number,
  values: Partial<Record<VariableName, string>> = {},
): ScopedVariables {
  const variables = Object.entries(values).map(([name, value], at) => [
    name,
    { id: ownerId * 10 + at, value },
  ]);
  return { ownerId, variables: Object.fromEntries(variables) };
}

export const scopedVariablesWith = (
  ownerId: number,
  { certificate, privateKey }: Credentials,
): ScopedVariables => scopedVariablesOf(ownerId, { AZURE_CERT: certificate, AZURE_PRIVATE_KEY: privateKey });

export const deviceWith = (
  scopes: Record<VariableScope, ScopedVariables>,
  foreignServices: BalenaDevice['foreignServices'] = [],
): BalenaDevice => ({
  fleet: 'my_org/one',
  scopes: new Map(Object.entries(scopes)),
  foreignServices,
});

export interface FakeOptions {
  desired?: Partial<Desired>;
  observed?: Partial<Observed>;
  scopes?: VariableScope[];
  forceVerify?: boolean;
  isRetry?: boolean;
  looksOnly?: boolean;
  notice?: Work['notice'];
  /** The device in balena; default: no such device. */
  device?: BalenaDevice;
  /** The key does not see the fleet of the device. */
  unseen?: boolean;
  /** The identity in the hub; `exists`: an identity without thumbprints. Its etag is `e0`, and each write makes the next etag. */
  hub?: 'none' | 'exists' | ThumbprintPair;
  /** The properties of the identity beside those of a new one. */
  properties?: Record<string, unknown>;
  /** The hub fails the calls of these names. */
  hubFails?: string[];
  /** The CA does not answer. Otherwise it signs the certificate E. */
  caFails?: boolean;
  /** Balena fails the writes of these variables. */
  balenaFails?: VariableName[];
  /** Balena answers changes and removals of these variables with 200 and without effect. */
  keeps?: VariableName[];
}

/** The work of one run, with a hub and a balena that record their calls. */
export function fakeWork(options: FakeOptions = {}) {
  const { hub: before = 'none', properties = null } = options;
  let writes = 0;
  const version = (kept: IdentityVersion['properties']): IdentityVersion => ({
    etag: `e${writes}`,
    properties: kept,
  });
  let identity: HubIdentity | 'none' =
    before === 'none'
      ? 'none'
      : {
          thumbprints: before === 'exists' ? null : before,
          isDisabled: properties?.status === 'disabled',
          version: version(properties),
        };
  const write = (thumbprints: ThumbprintPair, kept: IdentityVersion['properties']) => {
    writes += 1;
    identity = { thumbprints, isDisabled: kept?.status === 'disabled', version: version(kept) };
    return identity.version;
  };
  const calls: string[] = [];
  const hubAsked = (name: string, more = '') => {
    calls.push(`hub ${name}${more}`);
    if (options.hubFails?.includes(name)) throw new Error(`${name} fails`);
  };
  const deadLetters = (thumbprints: ThumbprintPair) =>
    ` ${thumbprints.map((thumbprint) => thumbprint.slice(0, 1)).join('')}`;
  const hub: HubRegistry = {
    async get() {
      hubAsked('get');
      return identity;
    },
    async create(_id, thumbprints) {
      hubAsked('create', deadLetters(thumbprints));
      return identity === 'none' ? write(thumbprints, null) : 'exists';
    },
    async update(_id, thumbprints, replaced) {
      hubAsked('update', `${deadLetters(thumbprints)} of ${replaced.etag}`);
      if (identity === 'none') return 'none';
      return identity.version.etag === replaced.etag ? write(thumbprints, replaced.properties) : 'changed';
    },
    async remove() {
      hubAsked('remove');
      const was = identity;
      identity = 'none';
      return was === 'none' ? 'none' : 'removed';
    },
    ping: async () => {},
    close() {},
  };
  const device = options.device && structuredClone(options.device);
  let newRows = 1_000;
  const hasEffect = (name: VariableName, exists: boolean) => !exists || !options.keeps?.includes(name);
  const stored: { scope: VariableScope; name: VariableName; value: string; existing: boolean }[] = [];
  const removed: { scope: VariableScope; id: number }[] = [];
  const balena: BalenaClient = {
    async findDevice() {
      calls.push('find');
      return device ? structuredClone(device) : null;
    },
    seesFleet: async () => !options.unseen,
    async store(scope, scopedVariables, name, value) {
      calls.push(`store ${name} at "${scope}"`);
      if (options.balenaFails?.includes(name)) throw new Error(`${name} fails`);
      const existing = scopedVariables.variables[name];
      stored.push({ scope, name, value, existing: existing !== undefined });
      newRows += 1;
      const variables = device?.scopes.get(scope)?.variables;
      if (variables && hasEffect(name, existing !== undefined))
        variables[name] = { id: existing?.id ?? newRows, value };
    },
    async add(scope, scopedVariables, name, value) {
      calls.push(`add ${name} at "${scope}"`);
      if (options.balenaFails?.includes(name)) throw new Error(`${name} fails`);
      if (scopedVariables.variables[name]) return null;
      stored.push({ scope, name, value, existing: false });
      return { id: 99, value };
    },
    async remove(scope, { id }: Variable) {
      calls.push(`remove ${id} at "${scope}"`);
      removed.push({ scope, id });
      const places = [device?.scopes.get(scope), ...(device?.foreignServices ?? [])];
      for (const { variables } of places.filter((place) => place !== undefined))
        for (const [name, row] of Object.entries(variables) as [VariableName, Variable][])
          if (row.id === id && hasEffect(name, true)) delete variables[name];
    },
    ping: async () => {},
  };
  let minted = 0;
  const work: Work = {
    uuid,
    desired: { present: true, service: '', requestId: 'r', requestedAt: now, ...options.desired },
    scopes: options.scopes ?? [''],
    forceVerify: options.forceVerify ?? false,
    isRetry: options.isRetry ?? false,
    looksOnly: options.looksOnly ?? false,
    notice: options.notice ?? null,
    observed: {
      thumbprint: null,
      previous: null,
      service: null,
      hub: 'unknown',
      fleet: null,
      notBefore: null,
      notAfter: null,
      keyAlgorithm: null,
      verifiedAt: 0,
      ...options.observed,
    },
    validated: false,
    clearedScopes: new Set(),
    async recordScopes(scopes) {
      calls.push(`recordScopes ${scopes.map((scope) => `"${scope}"`).join(' ')}`);
      work.scopes = [...work.scopes, ...scopes];
    },
    now: () => now,
    awaitOperation: async () => {},
    mint: () => {
      minted += 1;
      return mintFor();
    },
    async sign({ key, keyAlgorithm }) {
      calls.push('sign');
      if (options.caFails) throw new ProvisioningError('ca-unavailable', 'No answer.', { step: 'sign' });
      return {
        ...{ thumbprint: E, notBefore: now, notAfter: now + day },
        key,
        keyAlgorithm,
        certificate: 'der',
      };
    },
    settings: { fleets: null, renewAt: 0.8 },
    sight: rememberSight({ now: () => now, sleep: async () => {} }),
    balena: (_step, call) => call(balena),
    hub: (_step, call) => call(hub, 1_000),
  };
  return { work, calls, stored, removed, minted: () => minted, hub, identity: () => identity };
}
