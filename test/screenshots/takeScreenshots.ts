import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Endpoints } from '../../local/stack/Endpoints.js';
import { openChromium } from '../e2e/support/openChromium.js';

const desk = { width: 1280, height: 800 };
const longestBacklogMs = 600_000;
const longestReplayMs = 300_000;
const phone = { width: 360, height: 740 };

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
      colorScheme,
      viewport,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto(`${functions.url}/api/ops`);
    await page.getByLabel('Ops key').fill(functions.opsKey);
    await page.getByLabel('Your name').fill('Ada');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.locator('.uplot').last().waitFor();
    return page;
  }

  async function picture(page: Page, name: string, fullPage = false): Promise<void> {
    await page.mouse.move(0, 0);
    // After two frames the browser has drawn all changes.
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path, fullPage });
    files.push(path);
  }

  try {
    const light = await enter('light');
    await picture(light, 'ops-overview-light', true);
    await picture(await enter('dark'), 'ops-overview-dark', true);
    await picture(await enter('light', phone), 'ops-phone');

    await light.getByText('no device waits').first().waitFor({ timeout: longestBacklogMs });
    await light.getByRole('link', { name: 'service-not-found' }).first().click();
    await light.locator('tbody').waitFor();
    await picture(light, 'ops-dead-letters');
    await light.locator('tbody th a').first().click();
    await light.getByRole('heading', { name: 'History' }).waitFor();
    await picture(light, 'ops-device', true);

    await fix();
    await light.getByRole('link', { name: 'All dead letters with this cause' }).click();
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
      .waitFor({ timeout: longestReplayMs });
    await picture(light, 'ops-replay');
    return files;
  } finally {
    await browser.close();
  }
}
