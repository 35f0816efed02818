import type { Balena, BalenaDevice, Spot, Variable, VariableName } from '../../src/balena/types.js';
import { type Credentials, minter } from '../../src/certificates/mint.js';
import type { Desired, Observed, Place } from '../../src/device/record.js';
import type { Hub, Identity, Slots } from '../../src/iothub/types.js';
import type { Work } from '../../src/provisioning/work.js';

export const uuid = 'ab'.repeat(16);
export const now = 1_800_000_000_000;
export const day = 86_400_000;

/** Thumbprints, SHA-256 unless they say otherwise. */
export const [A, B, C, D, E] = ['A', 'B', 'C', 'D', 'E'].map((letter) => letter.repeat(64)) as [
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
export function spotOf(ownerId: number, values: Partial<Record<VariableName, string>> = {}): Spot {
  const variables = Object.entries(values).map(([name, value], at) => [
    name,
    { id: ownerId * 10 + at, value },
  ]);
  return { ownerId, variables: Object.fromEntries(variables) };
}

export const spotWith = (ownerId: number, { certificate, privateKey }: Credentials): Spot =>
  spotOf(ownerId, { AZURE_CERT: certificate, AZURE_PRIVATE_KEY: privateKey });

export const deviceWith = (spots: Record<Place, Spot>): BalenaDevice => ({
  fleet: 'my_org/one',
  spots: new Map(Object.entries(spots)),
});

export interface FakeOptions {
  desired?: Partial<Desired>;
  observed?: Partial<Observed>;
  places?: Place[];
  distrust?: boolean;
  /** What balena knows of it; default: nothing. */
  device?: BalenaDevice;
  /** The key does not see its fleet. */
  unseen?: boolean;
  /** What the hub holds. */
  hub?: Identity;
  /** The hub fails the calls of these names. */
  hubFails?: string[];
  /** Balena fails the writes of these variables. */
  balenaFails?: VariableName[];
}

/** The work of one run, against a hub and a balena that only write down what they are asked. */
export function fakeWork(options: FakeOptions = {}) {
  let identity: Identity = options.hub ?? 'none';
  const calls: string[] = [];
  const hubAsked = (name: string, more = '') => {
    calls.push(`hub ${name}${more}`);
    if (options.hubFails?.includes(name)) throw new Error(`${name} fails`);
  };
  const letters = (slots: Slots) => ` ${slots.map((slot) => slot.slice(0, 1)).join('')}`;
  const hub: Hub = {
    async get() {
      hubAsked('get');
      return identity;
    },
    async create(_id, slots) {
      hubAsked('create', letters(slots));
      if (identity !== 'none') return 'exists';
      identity = slots;
      return 'created';
    },
    async update(_id, slots) {
      hubAsked('update', letters(slots));
      if (identity === 'none') return 'none';
      identity = slots;
      return 'updated';
    },
    async remove() {
      hubAsked('remove');
      const was = identity;
      identity = 'none';
      return was === 'none' ? 'none' : 'removed';
    },
    close() {},
  };
  const stored: { place: Place; name: VariableName; value: string; existing: boolean }[] = [];
  const removed: { place: Place; id: number }[] = [];
  const balena: Balena = {
    find: async () => options.device ?? null,
    sees: async () => !options.unseen,
    async store(place, spot, name, value) {
      calls.push(`store ${name} at "${place}"`);
      if (options.balenaFails?.includes(name)) throw new Error(`${name} fails`);
      stored.push({ place, name, value, existing: spot.variables[name] !== undefined });
    },
    async remove(place, { id }: Variable) {
      calls.push(`remove ${id} at "${place}"`);
      removed.push({ place, id });
    },
  };
  let minted = 0;
  const work: Work = {
    uuid,
    desired: { present: true, service: '', requestId: 'r', requestedAt: now, ...options.desired },
    places: options.places ?? [''],
    distrust: options.distrust ?? false,
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
    cleaned: new Set(),
    async remember(places) {
      calls.push(`remember ${places.map((place) => `"${place}"`).join(' ')}`);
      work.places = [...work.places, ...places];
    },
    now: () => now,
    mint: () => {
      minted += 1;
      return mintFor();
    },
    settings: { fleets: null, renewAt: 0.8 },
    balena: (_step, call) => call(balena),
    hub: (_step, call) => call(hub, 1_000),
  };
  return { work, calls, stored, removed, minted: () => minted };
}
