import { readFileSync } from 'node:fs';
import { applyMutant } from './applyMutant.js';
import { mutants } from './list.js';

test('each mutant has a name of its own', () => {
  const ids = mutants.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(mutants)('$id changes its file', (mutant) => {
  const source = readFileSync(mutant.file, 'utf8');
  expect(applyMutant(source, mutant)).not.toBe(source);
});
