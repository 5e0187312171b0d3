import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSameAmount } from '../../../../functions/website/children/deployment/quantity.ts';

it.each([
  ['1', '1000m'],
  ['0.5', '500m'],
  ['1Gi', '1024Mi'],
  ['1.5Gi', '1536Mi'],
  ['1e3', '1k'],
  ['1E3', '1000'],
  ['1E', '1000P'],
  ['0.1m', '100u'],
  ['1.', '1'],
  ['0', '0Mi'],
  ['0.0625', '63m'],
  ['250100u', '251m'],
  ['1n', '1m'],
  ['1.5Gi', '1536Mi'],
  ['16Ei', '9223372036854775807'],
  ['8Ei', '16Ei'],
  ['.5', '500m'],
  ['+.5Gi', '512Mi'],
])('%s and %s are the same amount', (left, right) => {
  expect(isSameAmount(left, right)).toBe(true);
});

it.each([
  ['1', '1001m'],
  ['1Gi', '1G'],
  ['1e-1', '1'],
  ['0.0625', '62m'],
  ['1.0001', '1'],
  ['100E', '16Ei'],
  ['1x', '1'],
  ['.5', '5'],
])('%s and %s are different amounts', (left, right) => {
  expect(isSameAmount(left, right)).toBe(false);
});

it('An amount in thousandths equals the same amount as a decimal number', () => {
  fc.assert(
    fc.property(fc.nat(), (amount) => {
      expect(isSameAmount(`${amount}m`, (amount / 1000).toFixed(3))).toBe(true);
      expect(isSameAmount(`${amount}m`, `${amount + 1}m`)).toBe(false);
    }),
  );
});
