import { readFileSync } from 'node:fs';
import { applyMutant } from './applyMutant.js';
import { mutants } from './list.js';
import { runMutants } from './runMutants.js';

test('each mutant has a name of its own', () => {
  const ids = mutants.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test.each(mutants)('$id changes its file', (mutant) => {
  const source = readFileSync(mutant.file, 'utf8');
  expect(applyMutant(source, mutant)).not.toBe(source);
});

/** Mutants of which unit tests kill each within a second. The command `npm run mutants` tries all mutants. */
const fast = [
  'expired-lease-keeps-hub',
  'lost-lease-forgets-scopes',
  'generation-stays',
  'cancel-check',
  'back-off-without-limit',
];

test('the tests find five of the faults', async () => {
  const chosen = mutants.filter(({ id }) => fast.includes(id));
  const verdicts = await runMutants(chosen, { root: process.cwd(), jobs: 1, groups: 1 });
  expect(verdicts).toHaveLength(fast.length);
  expect(verdicts.filter(({ killedBy }) => killedBy === null)).toEqual([]);
}, 600_000);

test('a fault whose text is not in its file is an error', async () => {
  const [mutant] = mutants;
  const wrong = { ...mutant!, text: 'no such text' };
  await expect(runMutants([wrong], { root: process.cwd(), jobs: 1, groups: 1 })).rejects.toThrow(
    `${mutant!.id}: its text occurs 0 times in ${mutant!.file}`,
  );
});
