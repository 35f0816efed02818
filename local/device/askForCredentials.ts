export interface Answer {
  status: number;
  /** The text of the answer, as it came. */
  text: string;
}

/**
 * Asks for a device's credentials in the way of Cloud Relay: no credential of its own, the function's key in the URL.
 *
 * @param provisionUrl what stands in the fleet's PROVISION_URL, `?code=` included
 * @param service undefined to leave it out
 */
export async function askForCredentials(
  provisionUrl: string,
  uuid: string,
  service: string | undefined,
): Promise<Answer> {
  const response = await fetch(provisionUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uuid, ...(service !== undefined && { balena_service: service }) }),
  });
  return { status: response.status, text: await response.text() };
}
