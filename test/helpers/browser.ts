/** A real Chromium for tests: pages with cookies of their own, and what went wrong on them. */
import { execFile } from 'node:child_process';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const run = promisify(execFile);

/** Quiet, without the network, and able to run as root in a container, where neither sandbox nor shared memory is to be had. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

// Playwright ends its browser, profile and all, when the process exits; killed by a signal, a process does not get that far.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const browsers = new WeakMap<TestContext, Promise<Browser>>();

/**
 * Chromium with a fresh profile: one for each test, ended with it.
 * @throws Error if there is none on PATH
 */
export function openBrowser(t: TestContext): Promise<Browser> {
  const browser = browsers.get(t) ?? launch(t);
  browsers.set(t, browser);
  return browser;
}

async function launch(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: await findChromium(), args, handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false });
  const close = (): Promise<void> => browser.close();
  t.after(close);
  // A hook that fails keeps the ones after it from running; the signal comes all the same.
  t.signal.addEventListener('abort', () => void close());
  return browser;
}

async function findChromium(): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'command -v chromium || command -v chromium-browser || command -v google-chrome || true']);
  if (!stdout) throw new Error('This test needs a browser: install Chromium, so that `chromium` is on the PATH (on Debian: apt-get install chromium).');
  return stdout.trim();
}

export interface OpenPage {
  page: Page;
  /** The cookies of the page, and of others opened in it. */
  context: BrowserContext;
  /** Errors on the console and exceptions that nobody caught, in order. */
  errors: string[];
  /** Requests that got no answer or were blocked, in order, with the reason. */
  failures: string[];
}

/** An empty page that shares its cookies with no other. `ignoreHTTPSErrors` believes any certificate. */
export async function openPage(t: TestContext, options: { ignoreHTTPSErrors?: boolean } = {}): Promise<OpenPage> {
  const browser = await openBrowser(t);
  const context = await browser.newContext(options);
  const errors: string[] = [];
  const failures: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (exception) => errors.push(String(exception.error())));
  context.on('requestfailed', (request) => failures.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
  return { page: await context.newPage(), context, errors, failures };
}
