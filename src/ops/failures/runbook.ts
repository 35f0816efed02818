import type { ErrorCode } from '../../shared/errorPolicy.js';

/** The section of docs/runbook.md about a cause, as the part of the section's address after `#`. A test compares the sections with the file. */
const sections: Partial<Record<ErrorCode, string>> = {
  'queue-throttled': 'service-bus-says-busy',
  'balena-unauthorized': 'secrets',
  'hub-unauthorized': 'secrets',
  'balena-write-refused': 'requests-fail-with-balena-write-refused',
  'hub-throttled': 'the-hub-throttles',
  'hub-quota-exceeded': 'a-big-fleet-boots-tomorrow',
  'device-not-visible': 'something-is-gone',
  'records-unavailable': 'something-is-gone',
  'queue-unavailable': 'something-is-gone',
};

/** The section of the runbook about a cause; null if the runbook has none. */
export function runbookSectionOf(code: string): string | null {
  return sections[code as ErrorCode] ?? null;
}

/** All sections that causes name. */
export const runbookSections: readonly string[] = [...new Set(Object.values(sections))];
