import { randomUUIDv7 } from 'node:crypto';
import { ProvisioningError } from '../../shared/errors.js';
import { emptyAction, type StoredAction, unnamedOperator } from '../bulk/action.js';
import type { BulkDependencies } from '../bulk/dependencies.js';
import type { RequestKind } from '../bulk/schema.js';
import { RequestError } from '../shared/request.js';

type AuditDependencies = Pick<BulkDependencies, 'actions' | 'clock'>;

/** A single request of an operator. */
export interface AuditedRequest {
  kind: RequestKind;
  /** The operator; undefined: not named. */
  by: string | undefined;
  filter: Record<string, string>;
  /** Null for a deprovisioning. */
  service: string | null;
  /** The number of devices, if the number is known. */
  devices: number;
}

/** The part of a row that the answer to a request changes. */
export type Answered = Pick<StoredAction, 'answer'> &
  Partial<Pick<StoredAction, 'planned' | 'note' | 'byFleet'>>;

const unknownAnswer = 'not known';

/**
 * Writes the row of a single request, before the request is made: the audit has each request, also if the process is killed during the request. The
 * answer is then not known.
 *
 * @returns the id of the row
 * @throws ProvisioningError `records-unavailable`: the request must not be made
 */
export async function openAudit(
  { actions, clock }: AuditDependencies,
  { kind, by = unnamedOperator, filter, service, devices }: AuditedRequest,
): Promise<string> {
  const now = clock.now();
  const id = randomUUIDv7();
  await actions.create(
    {
      ...emptyAction,
      ...{ id, kind, state: 'done', by, filter, service, planned: devices },
      ...{ plannedAt: now, startedAt: now, startedBy: by, endedAt: now, setRemoved: true },
      answer: unknownAnswer,
    },
    [],
  );
  return id;
}

/**
 * Makes a request, and writes the answer into the row of the audit. A request that was made stays made if the answer cannot be written: the answer in the
 * row is then not known.
 *
 * @param id the row, from `openAudit`
 * @param answeredBy the text for the row. @param before the row before
 * @throws as `request`
 */
export async function withAudit<T>(
  deps: AuditDependencies,
  id: string,
  request: () => Promise<T>,
  answeredBy: (answer: T, before: StoredAction) => Answered,
): Promise<T> {
  const write = async (change: (before: StoredAction) => Answered) => {
    await deps.actions
      .amend(id, (before) => ({ ...before, ...change(before), endedAt: deps.clock.now() }))
      .catch(() => null);
  };
  let answer: T;
  try {
    answer = await request();
  } catch (error) {
    await write(() => answeredWithError(error));
    throw error;
  }
  await write((before) => answeredBy(answer, before));
  return answer;
}

/** The row of a request that was refused, or whose answer is not known. */
export function answeredWithError(error: unknown): Answered {
  const { code, message } = error instanceof RequestError ? error : ProvisioningError.from(error);
  const isRefused = error instanceof RequestError;
  return {
    answer: isRefused ? `refused (${code})` : `not known (${code})`,
    note: isRefused ? message : `${message} The request may be accepted all the same.`,
  };
}
