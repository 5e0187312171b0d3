import { expect, it } from 'vitest';
import { requestIn } from '../../functions/website/requested.ts';
import { REQUESTED_AT } from '../../functions/website/resource.ts';

const request = (token: string) => requestIn({ annotations: { [REQUESTED_AT]: token } });

it('A short request is acknowledged word for word', () => {
  expect(request('')).toBe('');
  expect(request('a'.repeat(256))).toBe('a'.repeat(256));
  expect(requestIn({})).toBeUndefined();
});

it('A long request is acknowledged in a short form that depends on its ends and its length', () => {
  const long = '😀'.repeat(60_000);
  const forms = [long, `${long}1`, `1${long}`, `${long}😀`].map(request);
  for (const form of forms) expect(Buffer.byteLength(form ?? '')).toBeLessThan(1024);
  expect(new Set(forms).size).toBe(4);
  expect(request(long)).toBe(forms[0]);
});
