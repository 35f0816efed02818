import { ownKeysOff } from './rulesOff/ownKeys.js';
import { requestsOff } from './rulesOff/requests.js';
import { workOff } from './rulesOff/work.js';

/** The main rules of the protocol, each with a way to switch the rule off. */
export const rulesOff = [...workOff, ...requestsOff, ...ownKeysOff];
