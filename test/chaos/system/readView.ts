import type { Endpoints } from '../../../local/stack/Endpoints.js';
import type { View } from '../check/Evidence.js';

/** The state of a device, and the raw answer; null for a device without a request. */
export async function readView(
  { url, provisionKey }: Endpoints['functions'],
  uuid: string,
): Promise<{ view: View; text: string } | null> {
  const response = await fetch(`${url}/api/provision/${uuid}`, {
    headers: { 'x-functions-key': provisionKey },
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`GET answered ${response.status} ${text}`);
  return { view: JSON.parse(text), text };
}
