/**
 * Resolves the segments `.` and `..` of a request's path, also in the form `%2e`, as Kestrel does. Other paths stay as they
 * are.
 *
 * @param path of a request, without the query
 */
export function resolvePath(path: string): string {
  const segments = path.split('/');
  const isDots = (segment: string) => /^(?:\.|%2e){1,2}$/i.test(segment);
  if (!segments.some(isDots)) return path;
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (!isDots(segment)) kept.push(segment);
    else {
      if (segment.replace(/%2e/gi, '.') === '..' && kept.length > 1) kept.pop();
      if (index === segments.length - 1) kept.push('');
    }
  }
  return kept.join('/');
}

/**
 * Reads a query as ASP.NET does: the values of one key are joined by commas, and keys are compared without case. The last
 * spelling of a key counts. An invalid escape stays as it is.
 *
 * @param query the text after the question mark
 */
export function joinQuery(query: string): Record<string, string> {
  const joined = new Map<string, { name: string; value: string }>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = decodePart(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? '' : decodePart(part.slice(at + 1));
    const before = joined.get(name.toLowerCase());
    joined.set(name.toLowerCase(), { name, value: before ? `${before.value},${value}` : value });
  }
  return Object.fromEntries([...joined.values()].map(({ name, value }) => [name, value]));
}

function decodePart(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
