import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../../../local/infra/nuget.js';
import { canTrace, openedBy, traced } from './openedBy.js';

test('each program that has opened the file is found, also in a process whose number is used again', () => {
  const trace = [
    '1 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0',
    '2 execve("/usr/local/bin/cat", ["cat"], 0x1) = -1 ENOENT (No such file or directory)',
    '2 execve("/bin/cat", ["cat", "key.pem"], 0x1 <unfinished ...>',
    '1 openat(AT_FDCWD, "other.pem", O_RDONLY) = 3',
    '2 <... execve resumed>) = 0',
    '2 openat(AT_FDCWD, "key.pem", O_RDONLY) = 3',
    '2 +++ exited with 0 +++',
    '2 open("key.pem", O_RDONLY <unfinished ...>',
    '3 execve("/bin/less", ["less"], 0x1) = 0',
    '3 openat(AT_FDCWD, "key.pem", O_RDONLY) = -1 ENOENT (No such file or directory)',
  ];
  expect(openedBy(trace.join('\n'), /key\.pem$/)).toEqual(['/bin/cat', 'a subshell']);
});

if (await canTrace())
  test('strace shows a program, the shell and a subshell that read a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opened-'));
    await writeFile(join(folder, 'key.pem'), 'key\n');
    const trace = join(folder, 'trace');
    const [program = '', ...args] = traced(trace);
    const script = 'cat key.pem; (read -r first < key.pem; echo "$first"); read -r first < key.pem; echo';
    await promisify(execFile)(program, [...args, 'sh', '-c', script], { cwd: folder });
    const [cat, sh] = await Promise.all([onPath('cat'), onPath('sh')]);
    expect(openedBy(await readFile(trace, 'utf8'), /key\.pem$/)).toEqual([cat, sh, 'a subshell'].sort());
    await rm(folder, { recursive: true });
  });
else
  test('strace is missing', () => {
    console.warn('NOT CHECKED: the trace of a shell, because strace is missing, or may not trace.');
  });
