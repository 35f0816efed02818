/**
 * Records every answer to `fetch` from this address: status, headers and body.
 *
 * @returns the answers, and a function to stop
 */
export function recordAnswers(baseUrl: () => string): { answers: string[]; stop(): void } {
  const answers: string[] = [];
  const original = globalThis.fetch;
  globalThis.fetch = async (...requested) => {
    const response = await original(...requested);
    if (String(requested[0]).startsWith(baseUrl())) {
      const { status, headers } = response;
      answers.push(JSON.stringify({ status, headers: [...headers] }), await response.clone().text());
    }
    return response;
  };
  return {
    answers,
    stop: () => {
      globalThis.fetch = original;
    },
  };
}
