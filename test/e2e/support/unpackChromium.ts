import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../../../local/stack/projectFolder.js';

const name = '@sparticuz/chromium';

/** Fonts for a machine that has none, beside the fonts of the system. */
const fontSettings = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;

/**
 * Unpacks the Chromium for Linux x64 that the package `@sparticuz/chromium` holds, with the libraries and the fonts that a
 * bare machine lacks. 200 MB are written into `node_modules/.cache` at the first call.
 *
 * @returns the executable, and the environment variables that Chromium needs
 */
export async function unpackChromium(): Promise<{ executablePath: string; env: Record<string, string> }> {
  const project = projectFolder();
  const { version } = JSON.parse(
    await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8'),
  ) as { version: string };
  const cache = join(project, 'node_modules/.cache');
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    const fresh = await mkdtemp(`${folder}-`);
    await unpackInto(fresh, project);
    // The folder appears in one step: neither an interrupted nor a concurrent call leaves half a browser behind.
    await rename(fresh, folder).catch(async (error) => {
      await rm(fresh, { recursive: true });
      if (!existsSync(folder)) throw error;
    });
  }
  return {
    executablePath: join(folder, 'chromium'),
    env: {
      LD_LIBRARY_PATH: join(folder, 'al2023/lib'),
      FONTCONFIG_FILE: join(folder, 'fonts/ours.conf'),
    },
  };
}

/** The package unpacks into the folder for temporary files, and the libraries only on AWS. A process of its own gets both. */
async function unpackInto(folder: string, project: string): Promise<void> {
  const script = `await (await import('${name}')).default.executablePath()`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: project,
    env: { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' },
  });
  await writeFile(join(folder, 'fonts/ours.conf'), fontSettings);
}
