/**
 * Calls the control server of a simulator.
 *
 * @param request method and path, such as `PUT /faults`
 * @throws Error if the server cannot be reached or answers with an error
 */
export async function control<Answer>(
  url: string | undefined,
  request: string,
  body?: unknown,
): Promise<Answer> {
  const [method, path] = request.split(' ');
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request} answered ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
