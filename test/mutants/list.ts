import { answerMutants } from './list/answers.js';
import { blockMutants } from './list/blocks.js';
import { csrMutants } from './list/csr.js';
import { doorMutants } from './list/doors.js';
import { listMutants } from './list/lists.js';
import { ownKeyMutants } from './list/ownKeys.js';
import { requestMutants } from './list/requests.js';
import { stepMutants } from './list/steps.js';
import { throttlingMutants } from './list/throttling.js';
import { transitionMutants } from './list/transitions.js';
import { workerMutants } from './list/worker.js';
import { writeMutants } from './list/writes.js';
import type { Mutant } from './Mutant.js';

export const mutants: readonly Mutant[] = [
  ...transitionMutants,
  ...listMutants,
  ...requestMutants,
  ...ownKeyMutants,
  ...csrMutants,
  ...workerMutants,
  ...stepMutants,
  ...throttlingMutants,
  ...doorMutants,
  ...blockMutants,
  ...writeMutants,
  ...answerMutants,
];
