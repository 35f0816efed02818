import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core';
import { openChromium } from './openChromium.js';
import type { System } from './useSystem.js';

/** The page of ops in a browser of its own. */
export interface OpsPage {
  page: Page;
  /** What the browser complained about: errors of scripts, violations of the content security policy, answers that failed. */
  complaints: string[];
  requests: Request[];
  /** Opens a place, as a click on a link does. */
  go(place: string): Promise<void>;
}

export interface OpsPages {
  /** The page, with its form for the key. */
  open(options?: BrowserContextOptions): Promise<OpsPage>;
  /** The page, with the key given. */
  enter(options?: BrowserContextOptions & { by?: string }): Promise<OpsPage>;
}

/** Chromium for one test file; what a test has opened is closed after it. */
export async function useOpsPage({ stack }: Pick<System, 'stack'>): Promise<OpsPages> {
  const browser: Browser = await openChromium();
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(() => browser.close());
  const { url, opsKey } = stack.endpoints.functions;

  async function open(options: BrowserContextOptions = {}): Promise<OpsPage> {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: Request[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error.stack)));
    page.on('request', (request) => requests.push(request));
    await page.goto(`${url}/api/ops`);
    return {
      page,
      complaints,
      requests,
      async go(place) {
        await page.evaluate((hash) => {
          location.hash = hash;
        }, `#/${place}`);
        await page.locator('main:not(:has([aria-busy="true"]))').waitFor();
      },
    };
  }

  return {
    open,
    async enter({ by, ...options } = {}) {
      const opened = await open(options);
      await opened.page.getByLabel('Ops key').fill(opsKey);
      if (by) await opened.page.getByLabel('Your name').fill(by);
      await opened.page.getByRole('button', { name: 'Open' }).click();
      await opened.page.getByRole('heading', { name: 'Overview' }).waitFor();
      return opened;
    },
  };
}
