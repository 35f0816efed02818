/**
 * How far our clock is ahead of a server's, by the Date header of whatever it answers.
 *
 * @returns ms, negative where ours is behind, exact to a second; null where nothing answers
 */
export async function readClockSkew(url: string, callTimeoutMs = 5_000): Promise<number | null> {
  const requested = Date.now();
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(callTimeoutMs) });
    const date = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(date)) return null;
    const answered = Date.now();
    // The header has no fractions: the moment lay within the second that it names.
    return Math.round((requested + answered) / 2 - (date + 500));
  } catch {
    return null;
  }
}
