// The page in a real browser, served by the real server from a model that the tests fill.
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Condition, ObjectMeta, Website } from '../../../functions/website/resource.ts';
import { Model } from '../../../infra/local/page/model.ts';
import { servePage } from '../../../infra/local/page/server.ts';
import type { Detail, ForwarderView } from '../../../infra/local/page/shown.ts';
import { Stream } from '../../../infra/local/page/stream.ts';
import { eventually } from '../../eventually.ts';
import { aWebsite } from '../../fixtures/websites.ts';
import { chromiumPath, complaintsOf, launch, NEEDS_CHROMIUM } from './browser.ts';
import { delivered, reconciled } from './lines.ts';

const FORWARDER: ForwarderView = {
  state: 'ready',
  problems: [],
  queue: { queued: 3, delayed: 2, atWork: 1, oldestSeconds: 4 },
  watches: [{ resource: 'websites', isConnected: true, objects: 9 }],
  deliveries: { accepted: 42, rejected: 0, failed: 1, medianMs: 25 },
};

function site(name: string, ready: Partial<Condition> = {}, metadata: Partial<ObjectMeta> = {}): Website {
  const condition: Condition = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: new Date().toISOString(),
    reason: 'Available',
    message: '2 replicas are available',
    ...ready,
  };
  const stalled = ready.status === 'False' ? [{ ...condition, type: 'Stalled', status: 'True' as const }] : [];
  return aWebsite({
    metadata: { name, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    status: { observedGeneration: 1, availableReplicas: 2, conditions: [condition, ...stalled] },
  });
}
const broken = (name: string, message = 'ImagePullBackOff: shop:1.2.9: not found') =>
  site(name, { status: 'False', reason: 'ProgressDeadlineExceeded', message });

describe.skipIf(chromiumPath === undefined)(`The page in a browser${NEEDS_CHROMIUM}`, () => {
  let browser: Browser;
  let model: Model;
  let page: Page;
  let served: Awaited<ReturnType<typeof servePage>>;
  let stream: Stream;
  let detail: Partial<Detail>;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    model = new Model('https://127.0.0.1:6443');
    stream = new Stream(model);
    detail = {};
    served = await servePage({ stream, detail: async ({ namespace, name }) => aDetail(`${namespace}/${name}`) }, 0);
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    complaints = complaintsOf(page);
  });
  afterEach(async () => {
    await page.close();
    stop();
    if (complaints.length > 0) throw new Error(`The browser complained: ${complaints.join('\n')}`);
  });

  const stop = () => {
    stream.end();
    served.server.close();
    served.server.closeAllConnections();
  };
  function aDetail(key: string): Detail {
    const website = model.snapshot().websites.find((row) => row.key === key);
    return {
      key,
      ...(website === undefined ? {} : { website: { ...website, fullMessage: website.message } }),
      pods: [],
      children: [{ kind: 'Deployment', name: 'shop-deployment', owner: 'this Website' }],
      events: [],
      generations: [],
      timeline: model.runs.of(key),
      trouble: [],
      ...detail,
    };
  }
  const open = async (hash = '') => page.goto(served.url + hash);
  const row = (key: string) => page.locator('tbody tr', { hasText: key });
  const textOf = async (selector: string) => page.locator(selector).innerText();
  const focused = async () => page.evaluate('document.activeElement?.dataset.key');

  it('shows each Website with its state as a word, its reason, its message and its replicas', async () => {
    model.see(site('blog'));
    model.see(broken('shop'));
    await open();
    await row('team-a/shop').waitFor();
    expect(await row('team-a/blog').innerText()).toMatch(/Ready\s+team-a\/blog\s+nginx:1.29\s+Available/);
    const text = await row('team-a/shop').innerText();
    for (const part of ['Not ready', 'ProgressDeadlineExceeded', 'ImagePullBackOff', '2/2'])
      expect(text).toContain(part);
    expect(await page.title()).toBe('(1 not ready) Website Reconciler');
    await page.getByText('Live').waitFor();
  });

  it('shows changes without a reload, and announces them to screen readers', async () => {
    model.see(site('shop'));
    await open();
    await row('team-a/shop').waitFor();
    await page.evaluate('window.isSamePage = true');
    model.see(broken('shop'));
    await row('Not ready').waitFor();
    await eventually(async () =>
      expect(await page.locator('[aria-live=polite]').textContent()).toBe(
        'team-a/shop: Not ready, ProgressDeadlineExceeded',
      ),
    );
    model.forget('team-a/shop');
    await page.getByText('There is no Website yet').waitFor();
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  });

  it('shows the timeline of one Website: event, decision, writes, changed fields and times', async () => {
    model.see(site('shop'));
    model.take(reconciled());
    model.take(delivered());
    detail = {
      timeline: model.runs.of('team-a/shop').map((run) => ({ ...run, changed: ['Deployment spec.replicas'] })),
    };
    await open();
    await page.getByRole('link', { name: 'team-a/shop' }).first().click();
    await page.getByRole('heading', { name: 'team-a/shop' }).waitFor();
    const text = await page.locator('#side .run').innerText();
    for (const part of [
      'the spec changed',
      'waiting',
      'Progressing',
      'update Deployment',
      'Deployment spec.replicas',
      '52 ms',
    ])
      expect(text).toContain(part);
    expect(text).toContain('delivered in 60 ms');
  });

  it('adds new runs to an open timeline', async () => {
    model.see(site('shop'));
    await open('#/team-a/shop');
    await page.getByText('Nothing has been done yet').waitFor();
    model.take(reconciled());
    await page.locator('#side .run').waitFor();
    expect(await textOf('#side .run')).toContain('the spec changed');
  });

  it('shows the queue and the health of the forwarder', async () => {
    model.forwarder = FORWARDER;
    await open();
    await page.getByText('1 of 1 watches open').waitFor();
    expect(await textOf('#overview')).toMatch(/waiting\s+3\s+delayed\s+2\s+at work\s+1\s+oldest undelivered\s+4 s/);
    model.forwarder = { ...FORWARDER, state: 'not ready', problems: ['deployments: the API server is away'] };
    await page.getByText('deployments: the API server is away').waitFor();
    model.trouble = 'Could not list websites';
    await page.getByText('Could not list websites').waitFor();
  });

  it('says that the API server does not answer, with the reason if there is one, until it answers', async () => {
    await open();
    model.silentSeconds = 3;
    await page.getByText('The API server has not answered for 3 s').waitFor();
    model.silentSeconds = 12;
    await page.getByText('The API server has not answered for 12 s').waitFor();
    const another = await browser.newPage();
    await another.goto(served.url);
    await another.getByText('The API server has not answered for 12 s').waitFor();
    await another.close();
    model.trouble = 'Could not list websites';
    await page.getByText('does not answer, so this is how it was before: Could not list websites').waitFor();
    model.trouble = null;
    model.silentSeconds = null;
    await eventually(async () => expect(await page.locator('.banner').count()).toBe(0));
  });

  it('shows texts from tenants as text everywhere', async () => {
    const html = '<img src=x onerror="window.isHacked=true"><b>bold</b>';
    const website = broken('shop', html);
    model.see({ ...website, spec: { image: html, replicas: html } });
    model.take(reconciled({ reason: html, actions: [html], eventReason: html }));
    model.take(delivered({ msg: 'Could not deliver event', why: html }));
    model.forwarder = { ...FORWARDER, problems: [html] };
    model.trouble = html;
    detail = {
      toDo: html,
      pods: [{ name: html, cause: html }],
      children: [{ kind: html, name: html, owner: html }],
      nextWrites: [html],
      events: [{ at: html, type: 'Warning', reason: html, about: html, message: html }],
      generations: [{ generation: 1, image: html, startedAt: html, reason: html, message: html }],
      trouble: [html],
    };
    await open();
    await page.locator('#side .run').waitFor();
    await page.getByRole('link', { name: 'team-a/shop' }).first().click();
    await page.getByText('What to do').waitFor();
    await page.locator('summary', { hasText: 'Kubernetes Events' }).click();
    expect(await page.locator('img').count()).toBe(0);
    expect((await textOf('body')).split(html).length).toBeGreaterThan(15);
    expect(await page.evaluate('window.isHacked')).toBeUndefined();
  });

  it('links only to web addresses, and not to addresses inside the cluster', async () => {
    const withUrl = (name: string, url: string) => {
      const website = site(name);
      return { ...website, status: { ...website.status, url } };
    };
    model.see(withUrl('good', 'http://good.example.com'));
    model.see(withUrl('inside', 'http://inside-service.team-a.svc'));
    model.see(withUrl('bad', 'javascript:alert(1)//.example.com'));
    await open('#/team-a/bad');
    await page.locator('.verdict').waitFor();
    const hrefs = (await page.evaluate(
      '[...document.querySelectorAll("a[href]")].map((each) => each.href)',
    )) as string[];
    expect(hrefs).toContain('http://good.example.com/');
    expect(hrefs.filter((href) => !/^https?:/.test(href))).toEqual([]);
    expect(await row('team-a/inside').innerText()).not.toContain('.svc');
  });

  it('filters Websites by words, and shows only those that are not ready', async () => {
    for (const name of ['blog', 'docs', 'shop']) model.see(site(name));
    model.see(broken('store'));
    await open();
    await row('team-a/shop').waitFor();
    await page.getByLabel('Filter').fill('o');
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(4));
    await page.getByLabel('Filter').fill('sto');
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1));
    await page.getByLabel('Filter').fill('nothing of this name');
    await page.getByText('No Website matches the filter').waitFor();
    await page.getByLabel('Filter').fill('');
    await page.getByLabel('Not ready only').check();
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1));
    model.see(site('store'));
    await page.getByText('Every Website is ready').waitFor();
  });

  it('can be operated with the keyboard alone', async () => {
    for (const name of ['blog', 'docs', 'shop']) model.see(site(name));
    await open();
    await row('team-a/shop').waitFor();
    for (const [key, at] of [
      ['j', 'team-a/blog'],
      ['j', 'team-a/docs'],
      ['ArrowDown', 'team-a/shop'],
      ['ArrowDown', 'team-a/shop'],
      ['k', 'team-a/docs'],
      ['ArrowUp', 'team-a/blog'],
    ] as const) {
      await page.keyboard.press(key);
      expect([key, await focused()]).toEqual([key, at]);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'team-a/blog' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#/team-a/blog');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    expect(await focused()).toBe('team-a/blog');
    await page.keyboard.press('/');
    await page.keyboard.type('docs j');
    expect(await page.getByLabel('Filter').inputValue()).toBe('docs j');
    await page.getByLabel('Filter').fill('docs');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('team-a/docs');
    await page.keyboard.press('n');
    await page.getByText('No Website matches the filter').waitFor();
    expect(await page.getByLabel('Not ready only').isChecked()).toBe(true);
  });

  it('has an address for each Website, and the Back button works', async () => {
    model.see(site('shop'));
    await open();
    await page.getByRole('link', { name: 'team-a/shop' }).first().click();
    await page.getByRole('heading', { name: 'team-a/shop' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    await open('#/team-a/gone');
    await page.getByText('This Website does not exist any more').waitFor();
    await open('#/%');
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    expect(await row('team-a/shop').count()).toBe(1);
  });

  it('draws 200 of 2,000 Websites at first, and still shows changes', async () => {
    for (let each = 0; each < 2_000; each++) model.see(site(`site-${String(each).padStart(4, '0')}`));
    await open();
    await page.getByText('200 of 2000 are shown').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(200);
    for (let each = 0; each < 2_000; each += 2) model.see(broken(`site-${String(each).padStart(4, '0')}`));
    await page.getByLabel('Not ready only').check();
    await page.getByText('200 of 1000 are shown').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(400));
    await page.getByLabel('Filter').fill('site-1998');
    await row('team-a/site-1998').waitFor();
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1));
  });

  it('says that it is disconnected, and reconnects when the server is back', async () => {
    model.see(site('shop'));
    await open();
    await row('team-a/shop').waitFor();
    const { port } = new URL(served.url);
    stop();
    await page.getByText('Disconnected').waitFor();
    await page.getByText('npm start has ended or does not answer').waitFor();
    expect(await row('team-a/shop').count()).toBe(1);
    model = new Model('https://127.0.0.1:6443');
    stream = new Stream(model);
    served = await servePage({ stream, detail: async () => aDetail('') }, Number(port));
    model.see(site('later'));
    await row('team-a/later').waitFor();
    await page.getByText('Live').waitFor();
    expect(await row('team-a/shop').count()).toBe(0);
    // The browser itself complained while the server was away.
    complaints.splice(
      0,
      complaints.length,
      ...complaints.filter(
        (each) => !each.includes('ERR_CONNECTION_REFUSED') && !each.includes('ERR_INCOMPLETE_CHUNKED_ENCODING'),
      ),
    );
  });

  it('closes its connection while its tab is hidden', async () => {
    await open();
    await eventually(() => expect(stream.size).toBe(1));
    const hide = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await hide(true);
    await eventually(() => expect(stream.size).toBe(0));
    model.see(site('shop'));
    await hide(false);
    await row('team-a/shop').waitFor();
  });

  it.each([360, 414, 800])('fits a screen of %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 740 });
    model.forwarder = {
      ...FORWARDER,
      watches: [{ resource: 'horizontalpodautoscalers', isConnected: true, objects: 1 }],
    };
    // A name without a place to break.
    const name = `long${'x'.repeat(48)}`;
    const image = `registry.example.com/${'x'.repeat(200)}`;
    model.see({ ...broken(name, `ImagePullBackOff: ${image}`), spec: { image, replicas: 2 } });
    model.take(reconciled({ name, reason: 'x'.repeat(60), actions: ['create PodDisruptionBudget'] }));
    const fits = async () => {
      const [content, screen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
      expect(content).toBe(screen);
    };
    await open();
    await row(name).waitFor();
    await page.locator('.watches summary').click();
    await fits();
    await page.getByRole('link', { name }).first().click();
    await page.locator('.verdict').waitFor();
    await fits();
    // The list makes room for the one Website.
    expect(await page.locator('#websites').isVisible()).toBe(false);
  });

  it.each(['light', 'dark'] as const)('passes the accessibility checks in %s mode', async (colorScheme) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    model.forwarder = { ...FORWARDER, state: 'not ready', problems: ['deployments: away'] };
    model.see(site('blog'));
    model.see(broken('shop'));
    model.see(site('paused', { status: 'Unknown', reason: 'Suspended' }));
    model.see(site('new', {}, { generation: 2 }));
    model.see(site('moving', { status: 'False', reason: 'Progressing' }));
    model.take(reconciled());
    model.take(delivered());
    detail = { toDo: 'wait', pods: [{ name: 'shop-1', cause: 'ImagePullBackOff' }], timeline: model.runs.latest(9) };
    await open();
    await row('team-a/shop').waitFor();
    const violations = async () => {
      await page.evaluate(axe.source);
      const { violations: all } = (await page.evaluate('axe.run()')) as {
        violations: { id: string; nodes: { html: string }[] }[];
      };
      return all.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    };
    expect(await violations()).toEqual([]);
    await page.getByRole('link', { name: 'team-a/shop' }).first().click();
    await page.getByText('What to do').waitFor();
    expect(await violations()).toEqual([]);
    const background = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    const [red = 0] = background.match(/\d+/g)?.map(Number) ?? [];
    expect(colorScheme === 'dark' ? red < 40 : red > 220).toBe(true);
  });
});
