import fc from 'fast-check';
import { expect, it } from 'vitest';
import { headerText } from '../../functions/events/header-text.ts';

it('A header value is printable ASCII, and decodes to the original text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(headerText(text)).toMatch(/^[!#-~]*$/);
      expect(decodeURIComponent(headerText(text))).toBe(text.toWellFormed());
    }),
  );
});

it.each([
  ['', ''],
  ['/clusters/test/apis/stable.example.com/v1', '/clusters/test/apis/stable.example.com/v1'],
  ['Euro € 😀', 'Euro%20%E2%82%AC%20%F0%9F%98%80'],
  ['50%', '50%25'],
  ['"', '%22'],
  ['\ud800', '%EF%BF%BD'],
])('The text %j becomes the header value %j', (text, header) => {
  expect(headerText(text)).toBe(header);
});
