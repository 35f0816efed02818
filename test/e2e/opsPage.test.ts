import { readFile } from 'node:fs/promises';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { adviceFor } from '../../src/shared/errorPolicy.js';
import { waitFor } from '../support/waitFor.js';
import { addSamples } from './support/addSamples.js';
import { appOf } from './support/appOf.js';
import { useOpsPage } from './support/useOpsPage.js';
import { useSystem } from './support/useSystem.js';
import { visibleText } from './support/visibleText.js';

const system = await useSystem();
const { balena, ops, stack } = system;
const pages = await useOpsPage(system);
const { opsKey, url } = stack.endpoints.functions;
await addSamples(appOf(system));

/** Devices that failed for good, because their service does not exist. @returns the UUIDs */
async function failed(count: number, service: string): Promise<string[]> {
  const uuids = await balena.newDevices(count);
  await Promise.all(uuids.map((uuid) => system.post(uuid, service)));
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'failed')));
  return uuids;
}

/** The visible text of a page below the bar. */
const shown = (page: Page) => visibleText(page.locator('main'));
const shows = (page: Page, text: string | RegExp) =>
  waitFor(`the page shows ${text}`, async () => {
    const found = await shown(page);
    if (typeof text === 'string' ? found.includes(text) : text.test(found)) return true;
    throw new Error(`the page shows ${found}`);
  });

describe('an operator', () => {
  test('finds a stuck device, understands and fixes the cause, and replays the device from the page', async () => {
    const [uuid = ''] = await failed(1, 'telemetry');
    const { page, complaints } = await pages.enter({ by: 'Ada' });

    // The way leads from the cause to the dead letters with the cause, and from there to the device.
    await page.getByRole('link', { name: 'service-not-found' }).first().click();
    await page.getByRole('link', { name: uuid.slice(0, 12) }).click();
    await page.getByRole('heading', { name: 'Why it failed' }).waitFor();
    await shows(page, 'The device has no service named "telemetry": its services are cloud-relay, main');
    await shows(page, adviceFor('service-not-found').split('`')[0] ?? '');
    expect(await visibleText(page.getByLabel('Steps of the run').first())).toMatch(
      /✗\s*validate.*service-not-found/s,
    );
    await page.locator('h1:focus', { hasText: `Device ${uuid}` }).waitFor();

    await balena.addService('telemetry');
    await page.getByRole('button', { name: 'Replay …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 request would be replayed').waitFor();
    await dialog.getByRole('button', { name: 'Replay 1 request' }).click();
    await dialog.waitFor({ state: 'detached' });
    // The page shows the progress of the replay without a click.
    await page.getByRole('status').getByText('provisioned', { exact: true }).waitFor();
    await shows(page, 'accepts this certificate');
    expect(await shown(page)).toMatch(/✓\s*store/);
    expect((await system.credentials(uuid, 'telemetry')).accepted).toBe(true);

    await page.getByRole('link', { name: 'Actions' }).click();
    await shows(page, new RegExp(`Replay of 1.*uuid ${uuid}.*Ada`, 's'));
    expect(complaints).toEqual([]);
  });

  test('sees why a replay has halted, and replays with another service', async () => {
    const uuids = await failed(12, 'mian');
    const { page, go, complaints } = await pages.enter({ by: 'Ada' });
    const list = 'dead-letters?errorCode=service-not-found&status=failed';
    await go(list);
    await page.getByRole('button', { name: 'Plan a replay' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('12 requests would be replayed').waitFor();
    await dialog.getByLabel('growing waves').check();
    await dialog.getByRole('button', { name: 'Replay 12 requests' }).click();
    const table = page.getByRole('table', { name: 'The first failures of this action' });
    await table.waitFor();
    expect(await table.getByRole('link').count()).toBe(10);
    expect(await visibleText(table)).toContain('The device has no service named "mian"');

    await go(list);
    await page.getByRole('button', { name: 'Plan a replay' }).click();
    await dialog.getByText('12 requests would be replayed').waitFor();
    await dialog.getByLabel('With service').selectOption('another service …');
    await dialog.getByLabel('Name of the service').fill('maim');
    await dialog.getByLabel('Name of the service').press('Enter');
    await dialog.getByText('has no service "maim"').waitFor();
    await dialog.getByLabel('Name of the service').fill('main');
    await dialog.getByLabel('Name of the service').press('Enter');
    await dialog.getByText('12 requests would be replayed with the service main').waitFor();
    await dialog.getByRole('button', { name: 'Replay 12 requests' }).click();
    await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
    await shows(page, /done/);
    expect((await ops.records({ service: 'main', state: 'provisioned' })).total).toBeGreaterThanOrEqual(12);
    // The browser reports the refused plan.
    expect(complaints.filter((each) => !each.includes('400'))).toEqual([]);
  });

  test('finds a device by the first digits of the UUID, with spaces and in capitals', async () => {
    const uuid = await system.provisioned();
    const { page, go } = await pages.enter();
    await go('devices');
    await page.getByRole('searchbox', { name: 'Device' }).fill(` ${uuid.slice(0, 10).toUpperCase()} `);
    await waitFor('only that device is listed', async () => (await page.locator('tbody tr').count()) === 1);
    await page.getByRole('link', { name: uuid.slice(0, 12) }).click();
    await shows(page, /hub\s+accepts this certificate/i);
    expect(await page.title()).toContain(uuid);
  });

  test('plans a slow replay, follows it, cancels it, and replays the rest later', async () => {
    const uuids = await failed(30, 'cancelling');
    await balena.addService('cancelling');
    const { page, go } = await pages.enter({ by: 'Ada' });
    await go('dead-letters?errorCode=service-not-found&status=failed');
    // The server sends one page of the list at a time.
    await shows(page, /1–25 of 30/);
    await page.getByRole('button', { name: 'Next' }).click();
    await shows(page, /26–30 of 30/);

    await page.getByRole('button', { name: 'Plan a replay' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('30 requests would be replayed').waitFor();
    await dialog.getByLabel('Requests a minute').fill('15');
    await dialog.getByLabel('growing waves').uncheck();
    await dialog.getByText('in about 2 min').waitFor();
    await dialog.getByRole('button', { name: 'Replay 30 requests' }).click();

    await page.getByRole('heading', { name: 'Replay', exact: true }).waitFor();
    await waitFor('some devices are provisioned', async () =>
      /[2-9] succeeded/.test(await visibleText(page.getByLabel('Progress'))),
    );
    await page.getByRole('button', { name: 'Cancel …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the replay' }).click();
    await shows(page, /cancelled by\s+Ada/i);
    await waitFor('the replay has finished', async () =>
      /\b0 in progress|cancelled\b/.test(await shown(page)),
    );
    const [action] = (await ops.audit()).actions;
    const { counts } = await ops.ends(action?.id ?? '', 'cancelled');
    expect(counts.succeeded + counts.cancelled).toBe(30);
    await shows(page, `${counts.cancelled} cancelled`);

    await go('dead-letters?status=cancelled');
    // A run that was under way at the time of the cancel may end with success: the list then has fewer devices than the counts.
    await shows(page, /\d of \d+/);
    await page.getByRole('button', { name: 'Plan a replay' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Replay \d+ requests?$/ })
      .click();
    await Promise.all(uuids.map((uuid) => system.state(uuid, 'provisioned')));
    await shows(page, /done/);
  });

  test('discards a request, and the audit keeps the reason', async () => {
    const [uuid = ''] = await failed(1, 'unwanted');
    const { page, go } = await pages.enter({ by: 'Ada' });
    await go(`dead-letters?uuid=${uuid}`);
    await page.getByRole('button', { name: 'Discard …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('a typing error');
    await dialog.getByRole('button', { name: 'Show the requests to discard' }).click();
    await dialog.getByRole('button', { name: 'Discard 1 request' }).click();
    await shows(page, 'a typing error');
    await shows(page, /done/);
    await go(`devices/${uuid}`);
    await shows(page, /discarded.*by Ada: a typing error/is);
    expect(await page.getByRole('button', { name: 'Replay' }).count()).toBe(0);
  });
});

describe('an operator, from the page', () => {
  test('requests a device, rotates its certificate and removes the credentials, each after a confirmation', async () => {
    const [uuid = ''] = await balena.newDevices(1);
    const { page, go, complaints } = await pages.enter({ by: 'Ada' });
    await go('devices');
    await page.getByRole('button', { name: 'Request a device …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('UUID of the device').fill(uuid);
    await dialog.getByRole('textbox', { name: 'Service' }).fill('main');
    await dialog.getByRole('button', { name: 'Request credentials' }).click();
    await page.getByRole('status').getByText('provisioned', { exact: true }).waitFor();
    expect((await system.credentials(uuid, 'main')).accepted).toBe(true);

    const thumbprint = async () => (await ops.history(uuid)).device.certificate?.thumbprint;
    const before = await thumbprint();
    await page.getByRole('button', { name: 'Rotate …' }).click();
    await dialog.getByRole('button', { name: 'Rotate 1 certificate' }).click();
    await waitFor('the device has another certificate', async () => {
      const { device } = await ops.history(uuid);
      return device.state === 'provisioned' && device.certificate?.thumbprint !== before;
    });

    await page.getByRole('button', { name: 'Deprovision …' }).click();
    const remove = dialog.getByRole('button', { name: 'Remove the credentials' });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByLabel('Type the first 7 digits').fill(uuid.slice(0, 7));
    await remove.click();
    await page.getByRole('status').getByText('deprovisioned', { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('requests a whole fleet after a count, and sees failures by cause and fleet', async () => {
    const [stuck = ''] = await failed(1, 'not-there');
    const [uuid = ''] = await balena.newDevices(1);
    const { page, go } = await pages.enter();
    const { fleet = '' } = (await ops.history(stuck)).device;
    await go('dead-letters');
    await shows(page, 'What to do: If the name is wrong');
    await shows(page, `${fleet} · step validate`);
    await shows(page, 'failing since');

    await go('fleets');
    await page.getByRole('button', { name: 'Request a fleet …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Fleet', { exact: true }).fill('no/fleet');
    await dialog.getByRole('button', { name: 'Count the devices' }).click();
    await dialog.getByText('does not see the fleet no/fleet').waitFor();
    await dialog.getByLabel('Fleet', { exact: true }).fill(fleet ?? '');
    await dialog.getByRole('textbox', { name: 'Service' }).fill('main');
    await dialog.getByRole('button', { name: 'Count the devices' }).click();
    await dialog.getByRole('button', { name: /^Request \d+ devices?$/ }).click();
    await dialog.getByText('Done.').waitFor();
    await system.state(uuid, 'provisioned');
  });

  test('exports devices, and is told by name which filter is unknown', async () => {
    await system.provisioned();
    const { page, go } = await pages.enter();
    await go('devices?fleet=no/such-fleet');
    await page.getByRole('alert').getByText('No device of the fleet "no/such-fleet" has a record').waitFor();
    await go('devices?state=brokn');
    await page.getByRole('alert').getByText('cannot be "brokn"').waitFor();
    await go('devices?state=provisioned');
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const file = await readFile(await (await saved).path(), 'utf8');
    expect(file).toMatch(/^\uFEFFuuid,state,last check,fleet,service,.*\r\n[0-9a-f]{32},provisioned,/);
  });
});

describe('the key', () => {
  test('is rejected if it is wrong, and is sent in a header only', async () => {
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

  test('is kept until the tab is closed only if the operator chooses so, and can be forgotten', async () => {
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
    for (const path of ['devices', 'dead-letters', 'actions', '']) await go(path);
    const [first, ...others] = requests.map((request) => request.url());
    expect(first).toBe(`${url}/api/ops`);
    // Before the key, the page looks whether the operator can sign in with Microsoft.
    expect(others.filter((each) => !each.startsWith(`${url}/api/ops/`))).toEqual([`${url}/api/operators/me`]);
    const sizes = await requests[0]?.sizes();
    expect(sizes?.responseBodySize).toBeLessThan(64 * 1024);
    expect(complaints).toEqual([]);
  });

  test('is not sent again to a browser that has the same version', async () => {
    const { headers } = await system.call('GET', '/api/ops');
    const again = await system.call('GET', '/api/ops', {
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    });
    expect(again).toMatchObject({ status: 304, text: '' });
  });

  test('keeps the last data while the API cannot be reached, says so, and recovers without a click', async () => {
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

  test('sends no requests while it is hidden', async () => {
    const { page, requests } = await pages.enter({ isClockControlled: true });
    const see = (hidden: boolean) =>
      page.evaluate((isHidden) => {
        Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await see(true);
    await Promise.all(requests.map(async (request) => (await request.response())?.finished()));
    const before = requests.length;
    await page.clock.runFor(60_000);
    // Requests are reported in their order: the page has sent none before this one.
    await page.evaluate(() => fetch('?marker').then((response) => response.text()));
    await waitFor('the marker is seen', () => requests.length > before);
    expect(requests.slice(before).map((request) => request.url())).toEqual([`${url}/api/ops?marker`]);
    await see(false);
    await waitFor('the page sends requests again', () => requests.length > before + 1);
  });

  test.each(['light', 'dark'] as const)(
    'has no serious accessibility violation in any view, %s',
    async (colorScheme) => {
      const [stuck] = await failed(1, `missing-${colorScheme}`);
      const healthy = await system.provisioned();
      const [action] = (await ops.audit()).actions;
      const { page, go } = await pages.enter({ colorScheme });
      await page.evaluate(axe.source);
      const violations = async () => {
        // Only the colours depend on the scheme.
        const runOnly = colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : {};
        const found = await page.evaluate(
          (options) =>
            (globalThis as unknown as { axe: typeof axe }).axe.run({
              resultTypes: ['violations'],
              ...options,
            }),
          runOnly,
        );
        return found.violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      };
      const paths = [
        '',
        'devices',
        `devices/${stuck}`,
        `devices/${healthy}`,
        'dead-letters',
        'dead-letters?view=single',
        'fleets',
        'certificates?within=365d',
        'live',
        'actions',
        `actions/${action?.id}`,
      ];
      for (const path of paths) {
        await go(path);
        expect({ path, violations: await violations() }).toEqual({ path, violations: [] });
      }
      await go('dead-letters?view=single');
      for (const name of ['Plan a replay …', 'Discard …']) {
        await page.getByRole('button', { name }).click();
        await page.locator('dialog:not(:has([aria-busy="true"]))').waitFor();
        expect({ name, violations: await violations() }).toEqual({ name, violations: [] });
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        // The focus has returned to the button that opened the dialog.
        expect(await visibleText(page.locator(':focus'))).toBe(name);
      }
      await page.getByRole('button', { name: 'Forget the key' }).click();
      expect(await violations()).toEqual([]);
    },
  );

  test('says at the very top of every view that all work is stopped, by whom, and what to do', async () => {
    const { page, go } = await pages.enter({ viewport: { width: 360, height: 740 } });
    const line = page.getByRole('region', { name: 'State of the system' });
    await balena.fault({ method: 'GET', status: 401 });
    await system.post(await balena.newDevice(), 'main');
    await line.getByRole('status').getByText('Stopped.').waitFor();
    for (const path of ['', 'devices']) {
      await go(path);
      // The number of waiting devices may be five seconds old.
      await line.getByText('nothing is finished').waitFor();
      const text = await visibleText(line);
      expect(text).toMatch(/balena rejects our API key\. Since .*\d\d:\d\d:\d\d.* \(UTC/);
      expect(text).toMatch(/nothing is finished.*To do: Check BALENA_API_KEY.*#credentials-refused/s);
      expect((await line.boundingBox())?.y).toBe(0);
    }
    expect(await shown(page)).not.toMatch(/done about/i);
    await balena.noFaults();
    await line.getByRole('status').getByText('Stopped.').waitFor({ state: 'detached' });
  });

  test('is as wide as a phone, on a phone', async () => {
    const [stuck] = await failed(1, 'narrow');
    const { page, go } = await pages.enter({ viewport: { width: 360, height: 740 } });
    const [action] = (await ops.audit()).actions;
    for (const path of [
      '',
      'devices',
      `devices/${stuck}`,
      'dead-letters',
      'dead-letters?view=single',
      'fleets',
      'certificates?within=365d',
      'live',
      'actions',
      `actions/${action?.id}`,
    ]) {
      await go(path);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect({ path, width }).toEqual({ path, width: 360 });
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
    expect(await page.title()).toBe('Devices – Provisioner operations');
  });
});
