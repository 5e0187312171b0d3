const SUFFIXES: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  '': [10n, 0],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [2n, 10],
  Mi: [2n, 20],
  Gi: [2n, 30],
  Ti: [2n, 40],
  Pi: [2n, 50],
  Ei: [2n, 60],
};

/**
 * Whether two quantities are the same amount: the API server rewrites `1000m` to `1` and `1024Mi` to `1Gi`.
 * Source: k8s.io/apimachinery/pkg/api/resource; amounts are rounded up to a billionth there.
 */
export function isSameAmount(left: string, right: string): boolean {
  return left === right || billionths(left) === billionths(right);
}

function billionths(quantity: string): bigint | string {
  const [, whole, fraction = '', suffix = ''] = /^([0-9]+)(?:\.([0-9]*))?(.*)$/.exec(quantity) ?? [];
  const scale = /^[eE][-+]?[0-9]/.test(suffix) ? ([10n, Number(suffix.slice(1))] as const) : SUFFIXES[suffix];
  if (whole === undefined || scale === undefined || !Number.isInteger(scale[1])) return quantity;
  const [base, exponent] = scale;
  const digits = BigInt(whole + fraction) * 10n ** 9n;
  const numerator = exponent > 0 ? digits * base ** BigInt(exponent) : digits;
  const denominator = 10n ** BigInt(fraction.length) * (exponent < 0 ? base ** BigInt(-exponent) : 1n);
  return (numerator + denominator - 1n) / denominator;
}
