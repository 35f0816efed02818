/** One request, as a device makes it. @throws Error if the answer is not 202 */
export async function postProvision(url: string, key: string, uuid: string, service = 'main'): Promise<void> {
  const response = await fetch(`${url}/api/provision?code=${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uuid, balena_service: service }),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`POST answered ${response.status}: ${text}`);
}
