import type { PublishPacket } from 'aedes';
import { z } from 'zod';

/** The device twins, as far as a device needs them to start: read, and report properties. In memory, no desired properties. */
export interface Twins {
  /** Answers a twin request; undefined when its topic is none. */
  answer(device: string, topic: string, payload: Buffer): PublishPacket | undefined;
  forget(device: string): void;
}

type Properties = Record<string, unknown>;

const request = /^\$iothub\/twin\/(GET\/|PATCH\/properties\/reported\/)\?(.*)$/;
const patchBody = z.record(z.string(), z.unknown());

export function createTwins(): Twins {
  const reported = new Map<string, { version: number; properties: Properties }>();
  const of = (device: string) => reported.get(device) ?? { version: 1, properties: {} };

  return {
    answer(device, topic, payload) {
      const [, what, query] = request.exec(topic) ?? [];
      if (!what) return undefined;
      const id = new URLSearchParams(query).get('$rid') ?? '';
      const { version, properties } = of(device);
      if (what === 'GET/') {
        const twin = { desired: { $version: 1 }, reported: { ...properties, $version: version } };
        return response(200, `$rid=${id}`, twin);
      }
      const patch = patchBody.safeParse(readJson(payload));
      if (!patch.success)
        return response(400, `$rid=${id}`, { errorCode: 400004, message: 'ArgumentInvalid' });
      reported.set(device, { version: version + 1, properties: merge(properties, patch.data) });
      return response(204, `$rid=${id}&$version=${version + 1}`);
    },
    forget(device) {
      reported.delete(device);
    },
  };
}

function response(status: number, query: string, body?: unknown): PublishPacket {
  const topic = `$iothub/twin/res/${status}/?${query}`;
  const payload = body === undefined ? '' : JSON.stringify(body);
  return { cmd: 'publish', qos: 0, dup: false, retain: false, topic, payload };
}

/** JSON merge patch: null removes. */
function merge(before: Properties, patch: Properties): Properties {
  const after = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete after[name];
    else after[name] = isObject(value) ? merge(isObject(after[name]) ? after[name] : {}, value) : value;
  }
  return after;
}

const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}
