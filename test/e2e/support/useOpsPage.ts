import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core';
import { openChromium } from './openChromium.js';
import type { System } from './useSystem.js';

/** The operators' page in a browser context of its own. */
export interface OpsPage {
  page: Page;
  /** Complaints of the browser: script errors, violations of the content security policy, failed responses. */
  complaints: string[];
  /** All requests of the page, in order. */
  requests: Request[];
  /** Opens a view by its path, as a click on a link does, and waits for the data. */
  go(path: string): Promise<void>;
}

/** Far longer than the page needs, also on a machine with ten times its load. */
const patienceMs = 240_000;

interface OpenOptions extends BrowserContextOptions {
  /** Whether the test may move the page's clock; until then the clock runs as usual. */
  isClockControlled?: boolean;
  /** The session of App Service Authentication; see `passIdentity` of the local host. */
  session?: string;
}

export interface OpsPages {
  /** Opens the page with the form for the key. */
  open(options?: OpenOptions): Promise<OpsPage>;
  /** Opens the page and enters the key. */
  enter(options?: OpenOptions & { by?: string }): Promise<OpsPage>;
}

/** Starts a browser for one test file. After each test, the pages of the test are closed. */
export async function useOpsPage({ stack }: Pick<System, 'stack'>): Promise<OpsPages> {
  const browser: Browser = await openChromium();
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(() => browser.close());
  const { url, opsKey } = stack.endpoints.functions;

  async function open({ isClockControlled, session, ...options }: OpenOptions = {}): Promise<OpsPage> {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    context.setDefaultTimeout(patienceMs);
    if (session) await context.addCookies([{ name: 'AppServiceAuthSession', value: session, url }]);
    const page = await context.newPage();
    if (isClockControlled) await page.clock.install();
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
      async go(path) {
        await page.evaluate((hash) => {
          location.hash = hash;
        }, `#/${path}`);
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
