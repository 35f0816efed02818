/** The imports of a module as the module writes them: packages, `node:` modules and files. */
export function importsOf(code: string): string[] {
  const found = code.matchAll(
    /(?:^|[;\n])\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]|\brequire\(\s*['"]([^'"]+)['"]/g,
  );
  return [...new Set([...found].map(([, from, bare, required]) => from ?? bare ?? required ?? ''))];
}

/** The package of an import; null for a file or a module of Node. */
export function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
