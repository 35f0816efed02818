import type { DatabaseSync } from 'node:sqlite';
import type { Answer, ReceivedRequest, Handle } from '../../faults/asked.js';
import { PlainTextError, RequestError } from '../refusal.js';
import { createDeviceKey, createKey } from './createKey.js';
import type { Throttle } from './createThrottle.js';
import { shortUuid } from './describeRows.js';
import { findViewer } from './findViewer.js';
import { handleOData, parseBody } from './handleOData.js';
import { registerDevice } from './registerDevice.js';
import { whoami } from './whoami.js';

/** What the API needs. */
export interface Api {
  db: DatabaseSync;
  throttle: Throttle;
  /** One line for people for each thing that was written. Never a value or a key. */
  onEvent(line: string): void;
}

/** The balena API, as far as it is here, as a function from request to answer. */
export function createHandle(api: Api): Handle {
  return (asked) => {
    try {
      return answer(api, asked);
    } catch (error) {
      if (error instanceof RequestError) return error.answer;
      throw error;
    }
  };
}

function answer({ db, throttle, onEvent }: Api, asked: ReceivedRequest): Answer {
  const viewer = findViewer(db, asked);
  throttle.take(viewer.actor);
  if (asked.path.startsWith('/v7/')) return handleOData(db, viewer, asked, onEvent);

  const deviceKey = /^\/api-key\/device\/([^/]+)\/device-key$/.exec(asked.path)?.[1];
  if (deviceKey && asked.method === 'POST') {
    return createDeviceKey(db, viewer, deviceKey, asked.body ? parseBody(asked.body) : undefined);
  }
  switch (`${asked.method} ${asked.path.replace(/\/$/, '')}`) {
    case 'GET /actor/v1/whoami':
      return { status: 200, body: whoami(db, viewer) };
    case 'POST /api-key/v2':
      return createKey(db, viewer, parseBody(asked.body));
    case 'POST /device/register': {
      const done = registerDevice(db, viewer, parseBody(asked.body));
      onEvent(`device ${shortUuid((done.body as { uuid: string }).uuid)} registered`);
      return done;
    }
    default:
      throw new PlainTextError(404, `Cannot ${asked.method} ${asked.path}`);
  }
}

/** The address with its changing parts replaced, for the request counts. */
export function patternOf({ path }: Pick<ReceivedRequest, 'path'>): string {
  return path.replace(/\(.*?\)/, '({id})').replace(/\/device\/\d+\//, '/device/{id}/');
}
