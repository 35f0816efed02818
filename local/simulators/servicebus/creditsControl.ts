import { z } from 'zod';
import { type Control, startControl } from '../shared/startControl.js';
import type { Engine } from './engine/Engine.js';

const limitBody = z.strictObject({ perSecond: z.number().min(0).nullable() });

/**
 * Starts the control server of the broker. Of the routes of `startControl`, only `POST /drop` has an effect. It also has:
 *
 * | request | |
 * |---|---|
 * | `GET /credits` | the limit, and the credits, refusals and busy seconds since the last change of the limit |
 * | `PUT /credits` | `{"perSecond": 20}` changes the limit; 0 refuses everything, null is no limit |
 */
export function startCreditsControl({ credits }: Engine): Promise<Control> {
  return startControl({
    routes: {
      'GET /credits': () => credits.counts(),
      'PUT /credits': ({ body }) => {
        credits.limitTo(limitBody.parse(body).perSecond ?? Infinity);
        return credits.counts();
      },
    },
  });
}
