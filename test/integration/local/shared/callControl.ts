/**
 * Calls the control server of a simulator.
 *
 * @param controlUrl without a slash at the end
 * @returns the status and the parsed JSON; the body is undefined for an empty answer
 */
export async function callControl(controlUrl: string, method: string, path: string, body?: unknown) {
  const response = await fetch(controlUrl + path, {
    method,
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}
