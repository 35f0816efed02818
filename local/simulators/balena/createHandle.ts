import type { DatabaseSync } from 'node:sqlite';
import type { Answer, Handle, ReceivedRequest } from '../shared/requests.js';
import { createDeviceKey, createKey, registerDevice } from './createEntities.js';
import { handleOData, parseBody, shortUuid } from './handleOData.js';
import { readRights } from './keyRights.js';
import { PlainTextError, RequestError } from './requestError.js';
import type { Viewer } from './visible.js';

/** The parts of the API. */
export interface Api {
  db: DatabaseSync;
  throttle: Throttle;
  /** Called with a line of text for each written row. The line never holds a value or a key. */
  onEvent(line: string): void;
}

/** Makes the simulated part of the balena API, a function from request to answer. */
export function createHandle(api: Api): Handle {
  return (request) => {
    try {
      return answer(api, request);
    } catch (error) {
      if (error instanceof RequestError) return error.answer;
      throw error;
    }
  };
}

function answer({ db, throttle, onEvent }: Api, request: ReceivedRequest): Answer {
  const viewer = findViewer(db, request);
  throttle.take(viewer.actor);
  if (request.path.startsWith('/v7/')) return handleOData(db, viewer, request, onEvent);

  const deviceKey = /^\/api-key\/device\/([^/]+)\/device-key$/.exec(request.path)?.[1];
  if (deviceKey && request.method === 'POST') {
    return createDeviceKey(db, viewer, deviceKey, request.body ? parseBody(request.body) : undefined);
  }
  switch (`${request.method} ${request.path.replace(/\/$/, '')}`) {
    case 'GET /actor/v1/whoami':
      return { status: 200, body: whoami(db, viewer) };
    case 'POST /api-key/v2':
      return createKey(db, viewer, parseBody(request.body));
    case 'POST /device/register': {
      const done = registerDevice(db, viewer, parseBody(request.body));
      onEvent(`device ${shortUuid((done.body as { uuid: string }).uuid)} registered`);
      return done;
    }
    default:
      throw new PlainTextError(404, `Cannot ${request.method} ${request.path}`);
  }
}

/** The path with the changing parts replaced, for the request counts. */
export function patternOf({ path }: Pick<ReceivedRequest, 'path'>): string {
  return path.replace(/\(.*?\)/, '({id})').replace(/\/device\/\d+\//, '/device/{id}/');
}

/**
 * Finds the owner of the API key in `Authorization: Bearer …` or `?apikey=…`. A request without a key is from a guest.
 *
 * @throws RequestError 401 for an unknown or expired key, and for the key of a removed device
 */
export function findViewer(db: DatabaseSync, { headers, query }: ReceivedRequest): Viewer {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = bearer ?? query.get('apikey');
  if (!key) return { actorType: 'guest', actor: 0, id: 0 };
  const row = db.prepare('SELECT actor, expiry_date FROM api_key WHERE key = ?').get(key);
  const expired = row?.expiry_date && Date.parse(String(row.expiry_date)) <= Date.now();
  const viewer = row && !expired ? ownerOf(db, Number(row.actor), key) : undefined;
  if (!viewer) throw new RequestError(401);
  return viewer;
}

function ownerOf(db: DatabaseSync, actor: number, key: string): Viewer | undefined {
  const user = db.prepare('SELECT id FROM user WHERE actor = ?').get(actor);
  if (user) {
    const rights = readRights(db, key);
    return { actorType: 'user', actor, id: Number(user.id), ...(rights && { rights }) };
  }
  const application = db.prepare('SELECT id FROM application WHERE actor = ?').get(actor);
  if (application) return { actorType: 'application', actor, id: Number(application.id) };
  const device = db.prepare('SELECT id, belongs_to__application FROM device WHERE actor = ?').get(actor);
  if (!device) return undefined;
  return {
    actorType: 'device',
    actor,
    id: Number(device.id),
    application: Number(device.belongs_to__application),
  };
}

const columns: Record<Exclude<Viewer['actorType'], 'guest'>, string> = {
  user: 'username, email',
  application: 'slug',
  device: 'uuid',
};

/** The answer to `GET /actor/v1/whoami`: the owner of the key. @throws RequestError 401 without a key */
export function whoami(db: DatabaseSync, { actor, actorType, id }: Viewer) {
  if (actorType === 'guest') throw new RequestError(401);
  const row = db.prepare(`SELECT ${columns[actorType]} FROM ${actorType} WHERE id = ?`).get(id);
  return { id: actor, actorType, actorTypeId: id, ...row };
}

/** The number of requests for each caller; null for no limit. */
export interface Rate {
  requestsPerMinute: number | null;
  /** Length of a counting window, seconds. Tests use less than a minute. Default 60. */
  windowSeconds?: number;
}

export interface Throttle {
  rate(): Rate;
  setRate(rate: Rate): void;
  /**
   * @throws RequestError 429 with `Retry-After` (whole seconds, at least 1) when the caller has used up the current
   *   window
   */
  take(caller: number): void;
}

/**
 * Counts requests in fixed windows. A window begins with a caller's first request. balena does not publish its limits,
 * and so there is no limit at first.
 */
export function createThrottle(now: () => number = Date.now): Throttle {
  let rate: Rate = { requestsPerMinute: null };
  const windows = new Map<number, { ends: number; left: number }>();
  return {
    rate: () => rate,
    setRate(given) {
      rate = given;
      windows.clear();
    },
    take(caller) {
      const { requestsPerMinute, windowSeconds = 60 } = rate;
      if (requestsPerMinute === null) return;
      const at = now();
      let window = windows.get(caller);
      if (!window || window.ends <= at) {
        window = { ends: at + windowSeconds * 1000, left: (requestsPerMinute * windowSeconds) / 60 };
        windows.set(caller, window);
      }
      window.left -= 1;
      if (window.left >= 0) return;
      const seconds = Math.max(1, Math.ceil((window.ends - at) / 1000));
      throw new PlainTextError(429, 'Too Many Requests', { 'Retry-After': String(seconds) });
    },
  };
}
