// npm run screenshot: makes the picture of the page for the README. It needs Chromium.
import { writeFileSync } from 'node:fs';
import { eventually } from '../../eventually.ts';
import { launch } from './browser.ts';
import { createDemo, scaleCart, startStage } from './stage.ts';

const FILE = 'docs/page.webp';

/** A third of the size of the PNG. */
const asWebp = (png: string): string => `(async () => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,${png}')).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d').drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.92 });
  return new Uint8Array(await blob.arrayBuffer()).toBase64();
})()`;

const [stage, browser] = await Promise.all([startStage(), launch()]);
try {
  await createDemo(stage.admin);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  await page.goto(stage.url);
  const sees = (key: string, ...texts: readonly string[]) =>
    eventually(async () => {
      const row = await page.locator('tbody tr', { hasText: key }).innerText({ timeout: 1_000 });
      const missing = texts.find((text) => !row.includes(text));
      if (missing !== undefined) throw new Error(`${key} does not say ${missing}: ${row}`);
    });
  await sees('checkout/pay', 'ImagePullBackOff');
  await sees('checkout/cart', 'Ready', '3/3');
  await scaleCart(stage.admin, 4);
  await sees('checkout/cart', 'Ready', '4/4');
  await page.locator('tbody tr', { hasText: 'checkout/cart' }).getByRole('link').first().click();
  await page.locator('#side .run', { hasText: 'Deployment spec.replicas' }).waitFor();
  // The row that changed is no longer highlighted.
  await eventually(async () => {
    if ((await page.locator('tr.fresh').count()) > 0) throw new Error('A row is still fresh');
  });
  await page.mouse.move(0, 0);
  const png = (await page.screenshot()).toString('base64');
  const webp = await (await browser.newPage()).evaluate(asWebp(png));
  writeFileSync(FILE, Buffer.from(String(webp), 'base64'));
  process.stdout.write(`Wrote ${FILE}\n`);
} finally {
  await browser.close();
  await stage.stop();
}
