import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Endpoints } from '../../local/stack/Endpoints.js';
import { openChromium } from '../e2e/support/openChromium.js';

const desk = { width: 1_120, height: 780 };
/** The images are kept in the repository, so each is small. */
const low = { width: 1_120, height: 480 };
const phone = { width: 390, height: 844 };
const longestBacklogMs = 600_000;
const longestReplayMs = 300_000;

/**
 * Takes screenshots of the main views of the operators' page.
 *
 * @param folder for the images
 * @param fix removes the cause of the failures before the replay
 * @returns the paths of the images
 */
export async function takeScreenshots(
  { functions }: Endpoints,
  folder: string,
  fix: () => Promise<void>,
): Promise<string[]> {
  const browser = await openChromium();
  const files: string[] = [];

  async function enter(colorScheme: 'light' | 'dark', viewport = desk): Promise<Page> {
    const context = await browser.newContext({
      ...{ colorScheme, viewport, locale: 'en-GB', reducedMotion: 'reduce' },
    });
    const page = await context.newPage();
    await page.goto(`${functions.url}/api/ops`);
    await page.getByLabel('Ops key').fill(functions.opsKey);
    await page.getByLabel('Your name').fill('Ada');
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.locator('.minute-bars').last().waitFor();
    return page;
  }

  async function picture(page: Page, name: string, fullPage = false): Promise<void> {
    await page.locator('main:not(:has([aria-busy="true"]))').waitFor();
    await page.mouse.move(0, 0);
    // After two frames the browser has drawn all changes.
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path, fullPage });
    files.push(path);
  }

  async function open(page: Page, view: string): Promise<void> {
    await page.getByRole('link', { name: view, exact: true }).click();
    await page.getByRole('heading', { level: 1, name: view }).waitFor();
  }

  try {
    const light = await enter('light');
    await picture(light, 'ops-overview-light');
    const dark = await enter('dark');
    await picture(dark, 'ops-overview-dark');
    const small = await enter('light', phone);
    await picture(small, 'ops-phone');
    await open(small, 'Failures');
    await picture(small, 'ops-failures-phone');
    await open(light, 'Failures');
    await picture(light, 'ops-failures');
    await open(dark, 'Fleets');
    await picture(dark, 'ops-fleets-dark');
    await open(light, 'Live');
    await light.setViewportSize(low);
    await picture(light, 'ops-live');
    await light.setViewportSize(desk);

    await open(light, 'Overview');
    await light.getByRole('link', { name: 'service-not-found' }).first().click();
    await light.locator('tbody th a').first().click();
    await light.getByRole('heading', { name: 'History' }).waitFor();
    await picture(light, 'ops-device', true);

    await fix();
    await light.getByRole('link', { name: 'All dead letters with this cause' }).click();
    await light.getByRole('heading', { level: 1, name: 'Dead letters' }).waitFor();
    await light.getByRole('button', { name: 'Plan a replay' }).click();
    const dialog = light.getByRole('dialog');
    await dialog.getByText('would be replayed').waitFor();
    await picture(light, 'ops-plan');
    await dialog.getByRole('button', { name: /^Replay \d+ requests$/ }).click();
    await light.getByRole('heading', { name: 'Replay', exact: true }).waitFor();
    // The image shows a replay with several finished devices.
    await light
      .getByLabel('Progress')
      .getByText(/^\s*\d\d+ succeeded/)
      .waitFor({ timeout: longestBacklogMs + longestReplayMs });
    await picture(light, 'ops-replay');
    return files;
  } finally {
    await browser.close();
  }
}
