// A real browser for the tests of the page.
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Where Debian, Ubuntu and Google install it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const chromiumPath: string | undefined = [process.env['CHROMIUM_PATH'] ?? '', ...PLACES].find(existsSync);

/** The name of a skipped test says what it lacks. */
export const NEEDS_CHROMIUM =
  chromiumPath === undefined ? ' (skipped: install Chromium, or set CHROMIUM_PATH to it)' : '';

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath ?? '',
    // Its sandbox needs rights that root and containers lack. It opens nothing but this project's own page.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });

/** What the browser complains about: errors of scripts, failed requests, and what the Content-Security-Policy refuses. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
}
