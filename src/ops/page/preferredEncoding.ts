const known = ['br', 'gzip'] as const;

export type Encoding = (typeof known)[number] | 'identity';

/** The best encoding that we can make of those that a caller takes: the smallest, since the page is compressed once and kept. */
export function preferredEncoding(acceptEncoding: string | null): Encoding {
  const taken = new Set<string>();
  for (const each of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) taken.add(name);
  }
  return known.find((encoding) => taken.has(encoding)) ?? 'identity';
}
