import type { Endpoints } from '../../../local/stack/Endpoints.js';
import type { Wish } from '../plan/Plan.js';
import type { Ask, Outcome } from './Ask.js';

/** Longer than the functions ever take. A stopped host never answers. */
const patienceMs = 20_000;

export interface AskDependencies {
  functions: Endpoints['functions'];
  /** Milliseconds from the start of the run. */
  now(): number;
  /** Receives each answer, unchanged. */
  onAnswer(text: string): void;
}

/**
 * Sends one request.
 *
 * @returns the outcome as known to the caller
 */
export async function sendAsk({ functions, now, onAnswer }: AskDependencies, wish: Wish): Promise<Ask> {
  const { uuid, operation } = wish;
  const provision = operation === 'provision';
  const sentAt = now();
  const outcome = await outcomeOf(async () => {
    const response = await fetch(`${functions.url}/api/provision`, {
      method: provision ? 'POST' : 'DELETE',
      headers: {
        'x-functions-key': provision ? functions.provisionKey : functions.deprovisionKey,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify(provision ? { uuid, balena_service: wish.service } : { uuid }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await response.text();
    onAnswer(`${response.status} ${JSON.stringify([...response.headers])} ${text}`);
    return { status: response.status, text };
  });
  return { wish, sentAt, answeredAt: now(), outcome };
}

async function outcomeOf(send: () => Promise<{ status: number; text: string }>): Promise<Outcome> {
  let answer: { status: number; text: string };
  try {
    answer = await send();
  } catch (error) {
    const { cause = error } = error as { cause?: unknown };
    const unsent = (cause as { code?: unknown }).code === 'ECONNREFUSED';
    return { kind: unsent ? 'unsent' : 'unknown', why: String(cause) };
  }
  const { status, text } = answer;
  if (status >= 500) return { kind: 'unknown', why: `${status} ${text}` };
  const { requestId = '', operation = '', code = '' } = parsed(text);
  return status === 202 ? { kind: 'accepted', requestId, operation } : { kind: 'refused', status, code };
}

function parsed(text: string): Record<string, string | undefined> {
  try {
    return JSON.parse(text);
  } catch {
    // Not every refusal is JSON: the host's own 401 says nothing.
    return {};
  }
}
