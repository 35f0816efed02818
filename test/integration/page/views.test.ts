import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { openChromium } from '../../e2e/support/openChromium.js';
import { actionId, answerTo, healthy, now, stuck, waiting } from './answers.js';

/*
 * The views of the page, with fixed answers of the API and a fixed clock. The accessibility tree of each view is what a screen reader reads. After
 * a wanted change: npm test -- test/integration/page --updateSnapshot, and read the difference.
 */

const origin = 'https://page.example';
const html = await readFile(join(projectFolder(), 'dist/page/ops.html'), 'utf8');
const headers = JSON.parse(await readFile(join(projectFolder(), 'dist/page/ops.headers.json'), 'utf8'));
const browser: Browser = await openChromium();
afterAll(() => browser.close());
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

/** The path and the heading of each view. */
const views: Record<string, [path: string, heading: string]> = {
  overview: ['', 'Overview'],
  failures: ['dead-letters', 'Failures'],
  'dead letters': ['dead-letters?view=single', 'Dead letters'],
  devices: ['devices', 'Devices'],
  'a failed device': [`devices/${stuck}`, `Device ${stuck}`],
  'a waiting device': [`devices/${waiting}`, `Device ${waiting}`],
  'a healthy device': [`devices/${healthy}`, `Device ${healthy}`],
  fleets: ['fleets', 'Fleets'],
  certificates: ['certificates', 'Certificates that expire soon'],
  live: ['live', 'Live'],
  actions: ['actions', 'Actions'],
  'an action': [`actions/${actionId}`, 'Replay'],
};

const viewOf = (name: string) => views[name] ?? ['', 'Overview'];

/** @param me the answer about the sign-in; default: signed out */
async function openPage(options: BrowserContextOptions = {}, me?: object): Promise<Page> {
  const context = await browser.newContext({
    ...{ locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options },
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(now);
  await page.route(`${origin}/**`, (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path === '/api/ops')
      return route.fulfill({
        body: html,
        headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
      });
    const name = path.replace(/^\/api\/(ops|operators)\//, '');
    const answer = (name === 'me' && me) || answerTo(name);
    return route.fulfill(
      answer ? { json: answer } : { status: 404, json: { code: 'missing', detail: path } },
    );
  });
  await page.goto(`${origin}/api/ops`);
  return page;
}

async function enter(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await openPage(options);
  await page.getByLabel('Ops key').fill('key');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return page;
}

async function go(page: Page, [path, heading]: readonly [path: string, heading: string]): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${path}`);
  await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
  await page.locator('main:not(:has([aria-busy="true"]))').waitFor();
}

test('the accessibility tree of the form for the key', async () => {
  const page = await openPage();
  await page.getByRole('button', { name: 'Sign in with Microsoft' }).waitFor();
  expect(await page.locator('body').ariaSnapshot()).toMatchSnapshot();
});

test('the accessibility tree of each view, and of the bar above', async () => {
  const page = await enter();
  expect(await page.getByRole('banner').ariaSnapshot()).toMatchSnapshot('bar');
  for (const [name, view] of Object.entries(views)) {
    await go(page, view);
    expect(await page.locator('main').ariaSnapshot()).toMatchSnapshot(name);
  }
});

/** The buttons that change something. Each leads to a dialog, and ends with an ellipsis. */
const acting = /…$/;

test.each([
  ['may only look', 'Open as Lena, for looking only', false],
  ['may act', 'Open as Lena', true],
])('who %s has the buttons of the role in each view', async (_, open, mayAct) => {
  const page = await openPage({}, { signIn: 'signed-in', name: 'Lena', mayLook: true, mayAct });
  await page.getByRole('button', { name: open, exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const buttons: Record<string, number> = {};
  for (const [name, view] of Object.entries(views)) {
    await go(page, view);
    buttons[name] = await page.getByRole('main').getByRole('button', { name: acting }).count();
  }
  const none = Object.fromEntries(Object.keys(views).map((name) => [name, 0]));
  expect(buttons).toEqual(
    mayAct
      ? {
          ...none,
          ...{ failures: 2, 'dead letters': 2, devices: 1, fleets: 1, 'an action': 1 },
          ...{ 'a failed device': 3, 'a waiting device': 2, 'a healthy device': 3 },
        }
      : none,
  );
  expect(await page.getByText('looking only').count()).toBe(mayAct ? 0 : 1);
});

test('the accessibility tree of each dialog, with two clear buttons', async () => {
  const page = await enter();
  const dialogs = [
    ['devices', 'Request a device …'],
    ['fleets', 'Request a fleet …'],
    ['a healthy device', 'Provision …'],
    ['a healthy device', 'Deprovision …'],
    ['an action', 'Cancel …'],
  ] as const;
  for (const [view, name] of dialogs) {
    await go(page, viewOf(view));
    await page.getByRole('button', { name, exact: true }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.ariaSnapshot()).toMatchSnapshot(name);
    expect(await dialog.locator('footer button').count()).toBe(2);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  }
});

test.each([390, 2_560])('no view is wider than a screen of %s px', async (width) => {
  const page = await enter({ viewport: { width, height: 844 } });
  for (const view of Object.values(views)) {
    await go(page, view);
    const [path] = view;
    const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
    expect({ path, scrolled }).toEqual({ path, scrolled: width });
  }
});

test('on a phone, 120 failures with one cause take less than two screens', async () => {
  const page = await enter({ viewport: { width: 390, height: 844 } });
  await go(page, viewOf('failures'));
  expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(2 * 844);
});

test('a copied UUID is in the clipboard, and the links lead to the device', async () => {
  const page = await enter({ permissions: ['clipboard-read', 'clipboard-write'] });
  await go(page, viewOf('a healthy device'));
  await page.getByRole('button', { name: 'Copy UUID' }).click();
  await page.getByText('copied', { exact: true }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(healthy);
  const link = page.getByRole('link', { name: 'Open in balena' });
  expect(await link.getAttribute('href')).toBe(
    `https://dashboard.balena-cloud.com/devices/${healthy}/summary`,
  );
  expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
});
