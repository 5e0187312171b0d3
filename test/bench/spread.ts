import { quantile } from './rows.ts';

/** The least, the median and the most of some values, in Markdown. One value stands alone. */
export function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–';
  const text = (value: number) => value.toFixed(digits);
  const [least, median, most] = [0, 0.5, 1].map((share) => text(quantile(values, share)));
  return values.length === 1 ? String(median) : `${least} / **${median}** / ${most}`;
}
