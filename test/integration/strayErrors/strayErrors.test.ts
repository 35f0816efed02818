import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../../../local/stack/projectFolder.js';

test('no error of a dependency ends the process: thrown, rejected at once or late, or emitted by a connection', async () => {
  const file = join(projectFolder(), 'dist/test/integration/strayErrors/hostile.js');
  const { stdout } = await promisify(execFile)(process.execPath, [file], { maxBuffer: 1e8 });
  const { calls, failed, strays } = JSON.parse(stdout) as {
    calls: number;
    failed: number;
    strays: string[];
  };
  expect(strays).toEqual([]);
  expect(calls).toBeGreaterThan(1_000);
  expect(failed).toBeGreaterThan(100);
});
