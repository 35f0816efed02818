import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { unpackChromium } from './unpackChromium.js';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/**
 * Opens a real browser without a window: Chromium, Chrome or Edge of the system, or else the Chromium of npm (Linux x64
 * only). Background requests of the browser are off.
 *
 * The environment variable `BROWSER_PATH` selects another browser: the path of an executable, or `npm` for the browser of npm
 * even where the system has one.
 *
 * @throws Error with the browsers to install, and with the reason for each browser that did not start
 */
export async function openChromium(): Promise<Browser> {
  const chosen = process.env.BROWSER_PATH;
  const paths = chosen ? [chosen] : systemBrowsers();
  const reasons: string[] = [];
  for (const executablePath of paths.filter((path) => path !== 'npm')) {
    try {
      return await chromium.launch({ executablePath, args });
    } catch (error) {
      reasons.push(`${executablePath} did not start: ${(error as Error).message}`);
    }
  }
  const hasOwn = process.platform === 'linux' && process.arch === 'x64';
  if (hasOwn && (!chosen || chosen === 'npm')) {
    const { executablePath, env } = await unpackChromium();
    return chromium.launch({ executablePath, env: { ...process.env, ...env }, args });
  }
  throw new Error(
    [
      'The tests of the page need a browser. Install Chromium, Google Chrome or Microsoft Edge, or set BROWSER_PATH to the executable of one.',
      ...reasons,
    ].join('\n'),
  );
}

/** The executables of installed browsers, Chromium first. */
function systemBrowsers(): string[] {
  const { env, platform } = process;
  const places: Partial<Record<NodeJS.Platform, { folders: (string | undefined)[]; names: string[] }>> = {
    darwin: {
      folders: ['/Applications', join(env.HOME ?? '', 'Applications')],
      names: [
        'Chromium.app/Contents/MacOS/Chromium',
        'Google Chrome.app/Contents/MacOS/Google Chrome',
        'Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
      ],
    },
    win32: {
      folders: [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA],
      names: [
        'Chromium/Application/chrome.exe',
        'Google/Chrome/Application/chrome.exe',
        'Microsoft/Edge/Application/msedge.exe',
      ],
    },
  };
  const { folders, names } = places[platform] ?? {
    folders: (env.PATH ?? '').split(delimiter),
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'],
  };
  return names
    .flatMap((name) => folders.filter((folder) => folder).map((folder) => join(folder as string, name)))
    .filter((path) => existsSync(path));
}
