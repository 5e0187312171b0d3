import { expect, it } from 'vitest';
import { browserRefusal } from '../../functions/callers/browsers.ts';
import { Thinned } from '../../functions/telemetry/thinned.ts';

it.each([{ host: 'evil.example.com' }, { host: 'localhost', origin: 'http://evil.example.com' }])(
  'A web page that is refused again and again does not flood the log: %j',
  (headers) => {
    const levels: string[] = [];
    const at = (level: string) => () => void levels.push(level);
    const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const context = { log, thinned: new Thinned(log) };
    for (let request = 0; request < 400; request++)
      expect(browserRefusal(headers, { allowedHosts: [] }, context)).toMatchObject({ status: 403 });
    expect(levels.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'warn'));
    expect(levels.filter((level) => level === 'debug').length).toBeGreaterThan(300);
  },
);
