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

/** The API server caps amounts with a binary suffix: it stores 16Ei as 2^63 - 1. */
const LARGEST_BINARY = (2n ** 63n - 1n) * 1000n;

/**
 * Whether the API server stores two resource amounts as the same value. It rewrites `1000m` to `1` and `1024Mi` to `1Gi`, and rounds
 * up to a thousandth, even for memory.
 * Source: SetDefaults_ResourceList in k8s.io/kubernetes/pkg/apis/core/v1, ParseQuantity in k8s.io/apimachinery/pkg/api/resource.
 */
export function isSameAmount(left: string, right: string): boolean {
  return left === right || thousandths(left) === thousandths(right);
}

/** The amount in thousandths, as the API server stores it. Text that is no amount is returned unchanged. */
export function thousandths(quantity: string): bigint | string {
  const [, whole, fraction = '', suffix = ''] = /^\+?(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(.*)$/.exec(quantity) ?? [];
  const scale = scaleOf(suffix);
  if (whole === undefined || scale === undefined) return quantity;
  const [base, exponent] = scale;
  const digits = BigInt(whole + fraction) * 1000n;
  const numerator = exponent > 0 ? digits * base ** BigInt(exponent) : digits;
  const denominator = 10n ** BigInt(fraction.length) * (exponent < 0 ? base ** BigInt(-exponent) : 1n);
  const rounded = (numerator + denominator - 1n) / denominator;
  return base === 2n && rounded > LARGEST_BINARY ? LARGEST_BINARY : rounded;
}

function scaleOf(suffix: string): readonly [base: bigint, exponent: number] | undefined {
  if (!/^[eE][-+]?[0-9]/.test(suffix)) return SUFFIXES[suffix];
  const exponent = Number(suffix.slice(1));
  return Number.isInteger(exponent) ? [10n, exponent] : undefined;
}
