import { expect, it } from 'vitest';
import { historyUrl } from '../../functions/settings/history-url.ts';

it.each([
  ['a password with a slash', 'postgres://website:123/hush@host/history'],
  ['no host', 'postgres://website:hush@/history'],
  ['no database', 'postgres://website:hush@host'],
])('A URL with %s is refused, and not quoted', (_, url) => {
  const { error } = historyUrl.safeParse(url);
  expect(error?.message).toContain('Write special characters of the password as %XX');
  expect(error?.message).not.toContain('hush');
});

it('A URL may have such characters in its password as %XX, and an @ in a file', () => {
  const url = 'postgres://website:123%2Fhu@sh@host/history?sslrootcert=/etc/a@b.pem';
  expect(historyUrl.parse(url)).toEqual({ kind: 'postgres', url });
});
