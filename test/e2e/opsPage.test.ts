import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { waitFor } from '../support/waitFor.js';
import { useOpsPage } from './support/useOpsPage.js';
import { useSystem } from './support/useSystem.js';
import { visibleText } from './support/visibleText.js';

const system = await useSystem();
const { balena, ops, stack } = system;
const pages = await useOpsPage(system);
const { opsKey, url } = stack.endpoints.functions;

/** Devices that failed for good, of a service that is not there. */
async function failed(count: number, service: string): Promise<string[]> {
  const uuids = await balena.newDevices(count);
  await Promise.all(uuids.map((uuid) => system.post(uuid, service)));
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'failed')));
  return uuids;
}

/** What a page shows below its bar. */
const shown = (page: Page) => visibleText(page.locator('main'));
const shows = (page: Page, text: string | RegExp) =>
  waitFor(`the page shows ${text}`, async () => {
    const now = await shown(page);
    if (typeof text === 'string' ? now.includes(text) : text.test(now)) return true;
    throw new Error(`it shows ${now}`);
  });

describe('at three in the morning', () => {
  test('a stuck device is found, its cause is understood and mended, and a replay from the page has it provisioned', async () => {
    const [uuid = ''] = await failed(1, 'telemetry');
    const { page, complaints } = await pages.enter({ by: 'Ada' });

    // From what fails, to the letters of that cause, to the device.
    await page.getByRole('link', { name: 'service-not-found' }).first().click();
    await page.getByRole('link', { name: uuid.slice(0, 12) }).click();
    await shows(page, 'The device has no service named "telemetry": its services are cloud-relay, main');
    expect(await shown(page)).toContain('release the service; then replay');
    expect(await visibleText(page.getByLabel('Its steps').first())).toMatch(
      /✗\s*validate.*service-not-found/s,
    );
    await page.locator('h1:focus', { hasText: `Device ${uuid}` }).waitFor();

    await balena.addService('telemetry');
    await page.getByRole('button', { name: 'Replay …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 request would be asked for again').waitFor();
    await dialog.getByRole('button', { name: 'Replay 1 request' }).click();
    await dialog.waitFor({ state: 'detached' });
    // The page follows it by itself.
    await page.getByRole('status').getByText('provisioned', { exact: true }).waitFor();
    await shows(page, 'accepts this certificate');
    expect(await shown(page)).toMatch(/✓\s*store/);
    expect((await system.credentials(uuid, 'telemetry')).accepted).toBe(true);

    await page.getByRole('link', { name: 'Actions' }).click();
    await shows(page, new RegExp(`Replay of 1.*uuid ${uuid}.*Ada`, 's'));
    expect(complaints).toEqual([]);
  });

  test('a device is found by the beginning of its UUID, as people paste it', async () => {
    const uuid = await system.provisioned();
    const { page, go } = await pages.enter();
    await go('devices');
    await page.getByRole('searchbox', { name: 'Device' }).fill(` ${uuid.slice(0, 10).toUpperCase()} `);
    await waitFor('only that one is listed', async () => (await page.locator('tbody tr').count()) === 1);
    await page.getByRole('link', { name: uuid.slice(0, 12) }).click();
    await shows(page, /hub\s+accepts this certificate/i);
  });

  test('a replay is planned, started slowly, watched and cancelled; what was not done can be replayed', async () => {
    const uuids = await failed(30, 'cancelling');
    await balena.addService('cancelling');
    const { page, go } = await pages.enter({ by: 'Ada' });
    await go('dead-letters?errorCode=service-not-found&status=failed');
    // A page of the list is all that is ever sent.
    await shows(page, /1–25 of 30/);
    await page.getByRole('button', { name: 'Next' }).click();
    await shows(page, /26–30 of 30/);

    await page.getByRole('button', { name: 'Plan a replay' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('30 requests would be asked for again').waitFor();
    await dialog.getByLabel('How many a minute').fill('30');
    await dialog.getByLabel('growing waves').uncheck();
    await dialog.getByText('in about 1 min').waitFor();
    await dialog.getByRole('button', { name: 'Replay 30 requests' }).click();

    await page.getByRole('heading', { name: 'Replay', exact: true }).waitFor();
    await waitFor('some are done', async () =>
      /[2-9] well/.test(await visibleText(page.getByLabel('Progress'))),
    );
    await page.getByRole('button', { name: 'Cancel …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click();
    await shows(page, /cancelled by\s+Ada/i);
    await waitFor('it is over', async () => /\b0 under way|cancelled\b/.test(await shown(page)));
    const [action] = (await ops.audit()).actions;
    const { counts } = await ops.ends(action?.id ?? '', 'cancelled');
    expect(counts.succeeded + counts.cancelled).toBe(30);
    await shows(page, `${counts.cancelled} cancelled`);

    await go('dead-letters?status=cancelled');
    await shows(page, `of ${counts.cancelled}`);
    await page.getByRole('button', { name: 'Plan a replay' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: `Replay ${counts.cancelled} requests` })
      .click();
    await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
    await shows(page, /done/);
  });

  test('what is wanted no more is discarded, with a reason that the audit keeps', async () => {
    const [uuid = ''] = await failed(1, 'unwanted');
    const { page, go } = await pages.enter({ by: 'Ada' });
    await go(`dead-letters?uuid=${uuid}`);
    await page.getByRole('button', { name: 'Discard …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why').fill('a typing error');
    await dialog.getByRole('button', { name: 'Show what that would be' }).click();
    await dialog.getByRole('button', { name: 'Discard 1 request' }).click();
    await shows(page, 'a typing error');
    await shows(page, /done/);
    await go(`devices/${uuid}`);
    await shows(page, /discarded.*by Ada: a typing error/is);
    expect(await page.getByRole('button', { name: 'Replay' }).count()).toBe(0);
  });
});

describe('the key', () => {
  test('is asked for again when it is wrong, and goes into a header only', async () => {
    const { page, requests } = await pages.open();
    await page.getByLabel('Ops key').fill('not-the-key');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').getByText('This key is not accepted').waitFor();
    await page.getByLabel('Ops key').fill(opsKey);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();

    for (const request of requests) expect(decodeURIComponent(request.url())).not.toContain(opsKey);
    expect(page.url()).not.toContain(opsKey);
    const kept = () =>
      page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    expect(await kept()).not.toContain(opsKey);
    await page.reload();
    await page.getByLabel('Ops key').waitFor();
  });

  test('is kept until the tab is closed only where that is wanted, and can be forgotten', async () => {
    const { page } = await pages.open();
    await page.getByLabel('Ops key').fill(opsKey);
    await page.getByLabel('Keep the key').check();
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(opsKey);
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await page.getByLabel('Ops key').waitFor();
    await page.reload();
    await page.getByLabel('Ops key').waitFor();
  });
});

describe('the page', () => {
  test('is one small file and nothing else; all further requests are to the API', async () => {
    const { requests, complaints, go } = await pages.enter();
    for (const place of ['devices', 'dead-letters', 'actions', '']) await go(place);
    const [first, ...others] = requests.map((request) => request.url());
    expect(first).toBe(`${url}/api/ops`);
    expect(others.filter((each) => !each.startsWith(`${url}/api/ops/`))).toEqual([]);
    const sizes = await requests[0]?.sizes();
    expect(sizes?.responseBodySize).toBeLessThan(64 * 1024);
    expect(complaints).toEqual([]);
  });

  test('is known by its hash: who has it already is sent nothing of it again', async () => {
    const { headers } = await system.call('GET', '/api/ops');
    const again = await system.call('GET', '/api/ops', {
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    });
    expect(again).toMatchObject({ status: 304, text: '' });
  });

  test('keeps what it saw last while the API cannot be reached, says so, and goes on by itself', async () => {
    await system.provisioned();
    const { page } = await pages.enter();
    await shows(page, /Requests by state/);
    await page.route('**/api/ops/overview', (route) => route.abort());
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('alert').getByText('The API cannot be reached').waitFor();
    expect(await shown(page)).toMatch(/Requests by state/);
    await page.unroute('**/api/ops/overview');
    await page.getByRole('alert').getByText('The API cannot be reached').waitFor({ state: 'detached' });
  });

  test('asks nothing while nobody sees it', async () => {
    const { page, requests } = await pages.enter();
    const see = (hidden: boolean) =>
      page.evaluate((isHidden) => {
        Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await see(true);
    await page.waitForTimeout(1_000);
    const before = requests.length;
    await page.waitForTimeout(7_000);
    expect(requests.length).toBe(before);
    await see(false);
    await waitFor('it asks again', () => requests.length > before);
  });

  test.each(['light', 'dark'] as const)(
    'has no serious accessibility violation in any view, %s',
    async (colorScheme) => {
      const [stuck] = await failed(1, `missing-${colorScheme}`);
      const well = await system.provisioned();
      const [action] = (await ops.audit()).actions;
      const { page, go } = await pages.enter({ colorScheme });
      const seen = async () => {
        await page.evaluate(axe.source);
        const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
        return found.violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      };
      const places = [
        '',
        'devices',
        `devices/${stuck}`,
        `devices/${well}`,
        'dead-letters',
        'actions',
        `actions/${action?.id}`,
      ];
      for (const place of places) {
        await go(place);
        expect({ place, violations: await seen() }).toEqual({ place, violations: [] });
      }
      await go('dead-letters');
      for (const name of ['Plan a replay …', 'Discard …']) {
        await page.getByRole('button', { name }).click();
        await page.locator('dialog:not(:has([aria-busy="true"]))').waitFor();
        expect({ name, violations: await seen() }).toEqual({ name, violations: [] });
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        // Back where one was.
        expect(await visibleText(page.locator(':focus'))).toBe(name);
      }
      await page.getByRole('button', { name: 'Forget the key' }).click();
      expect(await seen()).toEqual([]);
    },
  );

  test('is as wide as a phone, on a phone', async () => {
    const [stuck] = await failed(1, 'narrow');
    const { page, go } = await pages.enter({ viewport: { width: 360, height: 740 } });
    const [action] = (await ops.audit()).actions;
    for (const place of [
      '',
      'devices',
      `devices/${stuck}`,
      'dead-letters',
      'actions',
      `actions/${action?.id}`,
    ]) {
      await go(place);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect({ place, width }).toEqual({ place, width: 360 });
    }
  });

  test('can be used with the keyboard alone', async () => {
    const { page } = await pages.open();
    await page.keyboard.type(opsKey);
    await page.keyboard.press('Enter');
    const focused = (name: string) => page.locator('h1:focus', { hasText: name }).waitFor();
    await focused('Overview');
    await page.getByRole('link', { name: 'Devices' }).focus();
    await page.keyboard.press('Enter');
    await focused('Devices');
    expect(await page.title()).toBe('Devices – Provisioner ops');
  });
});
