// The page that `npm start` serves, in a real browser, on a real control plane.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../eventually.ts';
import { createWebsite, patch, patchWebsite } from '../../real-cluster.ts';
import { suspend } from '../alive.ts';
import { chromiumPath, complaintsOf, launch, NEEDS_CHROMIUM } from './browser.ts';
import { createDemo, scaleCart, startStage, type Stage } from './stage.ts';

/** Its process, a child of npm start. */
function apiServerOf({ program: { process: npmStart } }: Stage): number {
  const { pid } = npmStart;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const found = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('--etcd-servers'));
  if (found === undefined) throw new Error('No API server runs');
  return found;
}

describe.skipIf(chromiumPath === undefined)(`The page of npm start${NEEDS_CHROMIUM}`, () => {
  let stage: Stage;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [stage, browser] = await Promise.all([startStage(), launch()]);
    page = await browser.newPage();
    complaints = complaintsOf(page);
    await page.goto(stage.url);
    await createDemo(stage.admin);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await stage?.stop();
  });

  const row = (key: string) => page.locator('tbody tr', { hasText: key });
  const says = (key: string, ...parts: readonly (string | RegExp)[]) =>
    eventually(async () => {
      const text = await row(key).innerText({ timeout: 1_000 });
      for (const part of parts) expect(text).toMatch(part);
    });

  it('shows each Website with its state and the cause', async () => {
    await says('default/hello', 'Ready', 'Available', '2/2');
    await says('checkout/cart', 'Ready', '3/3', 'shop.example.com');
    await says('checkout/pay', 'In progress', 'ImagePullBackOff: registry.invalid/pay:2.4.0: not found');
    await says('docs/api-reference', 'Not ready', 'NameConflict', 'api-reference-service');
    await says('docs/status-page', 'Suspended');
    await says('marketing/archive', 'Ready', 'Parked', '0/0');
    expect(await page.locator('tbody tr').count()).toBe(8);
  });

  it('shows the timeline of one Website: event, decision, writes and changed fields', async () => {
    await says('checkout/cart', 'Ready');
    await row('checkout/cart').getByRole('link').first().click();
    await page.locator('#detail-title', { hasText: 'checkout/cart' }).waitFor();
    await page.locator('#side .run', { hasText: 'first seen' }).filter({ hasText: 'create Deployment' }).waitFor();
    await scaleCart(stage.admin, 4);
    const run = page.locator('#side .run', { hasText: 'Deployment spec.replicas' });
    // The functions and the forwarder each report their part.
    await eventually(async () => {
      const text = await run.innerText({ timeout: 1_000 });
      for (const part of ['update Deployment', 'update status']) expect(text).toContain(part);
      expect(text).toMatch(/the spec changed → (waiting Progressing|settled Available)/);
      expect(text).toMatch(/delivered in [\d.]+ m?s/);
    });
    await says('checkout/cart', 'Ready', '4/4');
    await page.getByText('writes nothing').waitFor();
    expect(await page.locator('#side .error').count()).toBe(0);
  });

  it('says why a Website is not ready, down to its Pods, and what to do', async () => {
    await says('checkout/pay', 'ImagePullBackOff');
    await row('checkout/pay').getByRole('link').first().click();
    await page.locator('.pods', { hasText: 'ImagePullBackOff' }).waitFor();
    await page.getByText('What to do').waitFor();
    expect(await page.locator('.pods code').count()).toBe(2);
  });

  it('shows a Website that becomes not ready and ready again, without a reload', async () => {
    await page.evaluate('window.isSamePage = true');
    const key = { namespace: 'marketing', name: 'spring-sale' };
    await says('spring-sale', 'Ready');
    await patchWebsite(stage.admin, key, { spec: { image: 'registry.invalid/sale:2' } });
    await says('spring-sale', 'In progress', 'ImagePullBackOff');
    await patchWebsite(stage.admin, key, { spec: { image: 'nginx:1.30' } });
    await says('spring-sale', 'Ready', 'nginx:1.30');
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  });

  it('shows the message of a Pod as text, even if it is HTML', async () => {
    const key = { namespace: 'marketing', name: 'hostile' };
    const html = '<img src=x onerror="window.isHacked=true">';
    await createWebsite(stage.admin, key, { image: 'registry.invalid/hostile:1', replicas: 1 });
    await says('marketing/hostile', 'ImagePullBackOff');
    const pods = '/api/v1/namespaces/marketing/pods';
    const { items } = (await stage.admin.json({
      method: 'GET',
      path: `${pods}?labelSelector=app%3Dhostile`,
      what: 'list pods',
    })) as { items: { metadata: { name: string }; status: { containerStatuses: object[] } }[] };
    for (const { metadata, status } of items) {
      const waiting = { reason: 'CreateContainerConfigError', message: html };
      const containerStatuses = status.containerStatuses.map((each) => ({ ...each, state: { waiting } }));
      await patch(stage.admin, `${pods}/${metadata.name}/status`, { status: { containerStatuses } });
    }
    await says('marketing/hostile', html);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.isHacked')).toBeUndefined();
  });

  it('shows a healthy forwarder', async () => {
    await eventually(async () => {
      const text = await page.locator('#overview').innerText();
      expect(text).toMatch(/Forwarder\s+Ready\s+7 of 7 watches open/);
      expect(text).toMatch(/Events delivered\s+[1-9]\d+/);
    });
  });

  it.runIf(process.platform === 'linux')('says that the API server hangs, until it answers again', async () => {
    const apiServer = apiServerOf(stage);
    await suspend(apiServer);
    try {
      await page.getByText(/The API server has not answered for \d+ s/).waitFor();
    } finally {
      process.kill(apiServer, 'SIGCONT');
    }
    await eventually(async () => expect(await page.locator('.banner').count()).toBe(0));
  });

  it('caused no complaint in the browser, and says so when npm start has ended', async () => {
    expect(complaints).toEqual([]);
    await stage.program.stop();
    await page.getByText('npm start has ended or does not answer').waitFor();
    expect(await row('default/hello').count()).toBe(1);
  });
});
