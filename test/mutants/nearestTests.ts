import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Mutant } from './Mutant.js';

const worker = 'test/unit/provisioning/worker';
const rateLimiter = 'test/unit/throttling/rateLimiter';

/** The unit tests of a source file, if their names differ from the name of the file. */
const testsOfFile: Record<string, string> = {
  'src/device/request.ts': 'test/unit/(device/ownKeys|provisioning/accept)',
  'src/provisioning/admit.ts': worker,
  'src/provisioning/finish.ts': worker,
  'src/provisioning/ping.ts': worker,
  'src/provisioning/run.ts': worker,
  'src/provisioning/lookUp.ts': 'test/unit/provisioning/(reserveLookUp|workerAdmission)',
  'src/provisioning/steps/choose.ts': 'test/unit/provisioning/(steps/choose|workerAdmission)',
  'src/storage/timerRuns.ts': 'test/unit/timers/',
  'src/throttling/line.ts': rateLimiter,
  'src/throttling/openRateLimiter.ts': rateLimiter,
  'src/throttling/sharedLine.ts': rateLimiter,
};

/**
 * The unit tests that most probably kill a mutant, in groups: the tests of the mutant's own file, and then of its folder. Most mutants die there
 * within seconds, without the slow test.
 *
 * @param tree the root of the repository
 */
export function nearestTests(tree: string, { file, first }: Mutant): (readonly string[])[] {
  if (first) return [first];
  const folder = dirname(file).replace(/^src/, 'test/unit');
  const known = testsOfFile[file];
  const hasFolder = existsSync(join(tree, folder));
  if (!known && !hasFolder) return [['test/unit/shared/']];
  const name = basename(file, '.ts');
  const hasOwn =
    hasFolder &&
    readdirSync(join(tree, folder)).some((each) => each.startsWith(name) && each.endsWith('.test.ts'));
  return [
    ...(known ? [[known]] : []),
    ...(hasOwn ? [[`${folder}/${name}`]] : []),
    ...(hasFolder ? [[`${folder}/(?!noFlood)`]] : []),
  ];
}
