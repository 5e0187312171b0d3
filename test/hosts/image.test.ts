// The content of the functions' container image: the bundle, without node_modules, as the Dockerfile says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { copyImage, imageIn } from '../image.ts';
import { startProgram } from '../program.ts';
import { describeHost } from './suite.ts';

let app: string;
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'image-'));
  copyImage('functions', app);
});
afterAll(() => rmSync(app, { recursive: true }));

describeHost('The Node host, in its container image', (environment) => {
  const { command, variables } = imageIn('functions', app);
  const [first = '', ...rest] = command;
  return startProgram(first, rest, { ...variables, ALLOW_ANONYMOUS: '1', ...environment });
});
