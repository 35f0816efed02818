import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMutant } from './applyMutant.js';
import type { Mutant } from './Mutant.js';
import { nearestTests } from './nearestTests.js';
import { runTests, type Stage } from './runTests.js';

export interface Verdict {
  mutant: Mutant;
  /** A failing test; null: all tests pass with the mutant. */
  killedBy: string | null;
}

export interface RunOptions {
  /** The root of the repository. */
  root: string;
  /** How many mutants are tried at the same time. */
  jobs: number;
  /** The number of groups of tests, the fast groups first. */
  groups: number;
  onVerdict?: (verdict: Verdict) => void;
}

/** The groups of tests, the fast groups first. */
const stages: readonly Stage[] = [
  { paths: ['provisioning', 'device', 'throttling', 'fleet'].map((folder) => `test/unit/${folder}/`) },
  protocol(200),
  { paths: ['test/unit/(queue|shared|health|http|timers)/', 'test/integration/device/'] },
  { paths: ['test/integration/ops/', 'test/integration/queue/'] },
  protocol(2_000),
];

function protocol(histories: number): Stage {
  return {
    paths: ['test/protocol/protocol.test.ts'],
    env: { PROTOCOL_RUNS: String(histories), PROTOCOL_SHRINK: '0' },
  };
}

/**
 * Puts each mutant into a temporary copy of the tree, and runs the tests there until one fails. The working tree is never touched.
 *
 * @throws Error if a mutant's text is not in its file
 */
export async function runMutants(
  mutants: readonly Mutant[],
  { root, jobs, groups, onVerdict = () => {} }: RunOptions,
): Promise<Verdict[]> {
  for (const mutant of mutants) applyMutant(readFileSync(join(root, mutant.file), 'utf8'), mutant);
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'mutants-'));
  // Also after a signal: the copy must not stay.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const chosen = stages.slice(0, groups);
  const waiting = [...mutants];
  const verdicts: Verdict[] = [];
  const results = new Map<Stage, string | null>();
  try {
    const workers = Array.from({ length: jobs }, async (_, i) => {
      const tree = copyTree(root, join(folder, String(i)));
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const verdict = { mutant, killedBy: await tryMutant(tree, mutant, chosen, results) };
        verdicts.push(verdict);
        onVerdict(verdict);
      }
    });
    await Promise.all(workers);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return verdicts;
}

function copyTree(root: string, tree: string): string {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  // Git still lists a deleted file until the deletion is committed.
  for (const path of listed.split('\n'))
    if (path !== '' && existsSync(join(root, path))) cpSync(join(root, path), join(tree, path));
  symlinkSync(realpathSync(join(root, 'node_modules')), join(tree, 'node_modules'));
  return tree;
}

async function tryMutant(
  tree: string,
  mutant: Mutant,
  chosen: readonly Stage[],
  results: Map<Stage, string | null>,
): Promise<Verdict['killedBy']> {
  const path = join(tree, mutant.file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, applyMutant(source, mutant));
  try {
    for (const stage of [...nearestTests(tree, mutant).map(stageOf), ...chosen]) {
      if (results.get(stage)) continue;
      const killedBy = await runTests(tree, stage);
      if (killedBy === null) continue;
      writeFileSync(path, source);
      if (await isSound(tree, stage, results)) return killedBy;
      writeFileSync(path, applyMutant(source, mutant));
    }
    return null;
  } finally {
    writeFileSync(path, source);
  }
}

/** One stage for the same tests: `results` remembers each stage. */
function stageOf(paths: readonly string[]): Stage {
  const id = paths.join(' ');
  const stage = nearestStages.get(id) ?? { paths };
  nearestStages.set(id, stage);
  return stage;
}

const nearestStages = new Map<string, Stage>();

/** A failure without a mutant proves nothing: the group is then left out. Checked once for each group. */
async function isSound(tree: string, stage: Stage, results: Map<Stage, string | null>): Promise<boolean> {
  const known = results.get(stage);
  const failure = known === undefined ? await runTests(tree, stage) : known;
  if (failure !== null && !results.has(stage)) console.warn(`Left out, fails without a mutant: ${failure}`);
  results.set(stage, failure);
  return failure === null;
}
