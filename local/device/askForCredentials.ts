export interface Answer {
  status: number;
  /** The text of the answer, as it came. */
  text: string;
}

/**
 * Asks for a device's credentials in the way of Cloud Relay: the function's key in the URL. Cloud Relay sends no credential of its
 * own; a device that has its API key can prove with it that it is itself.
 *
 * @param provisionUrl what stands in the fleet's PROVISION_URL, `?code=` included
 * @param service undefined to leave it out
 * @param apiKey the device's own
 */
export async function requestCredentials(
  provisionUrl: string,
  uuid: string,
  service: string | undefined,
  apiKey?: string,
): Promise<Answer> {
  const response = await fetch(provisionUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: JSON.stringify({ uuid, ...(service !== undefined && { balena_service: service }) }),
  });
  return { status: response.status, text: await response.text() };
}
