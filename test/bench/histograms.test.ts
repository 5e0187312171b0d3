import { expect, it } from 'vitest';
import { countOf, histogramsIn, histogramsOf, quantileOf, since } from './histograms.ts';

const METRICS = `
# TYPE app_wait_seconds histogram
app_wait_seconds_bucket{le="0.1",type="a",code="1"} 2
app_wait_seconds_bucket{le="1",type="a",code="1"} 4
app_wait_seconds_bucket{le="+Inf",type="a",code="1"} 4
app_wait_seconds_sum{type="a",code="1"} 1.5
app_wait_seconds_bucket{le="0.1",type="a",code="2"} 1
app_wait_seconds_bucket{le="1",type="a",code="2"} 1
app_wait_seconds_bucket{le="+Inf",type="a",code="2"} 2
app_wait_seconds_sum{type="a",code="2"} 8
app_other_seconds_bucket{le="+Inf"} 3
app_other_seconds_sum 3
`;

it('The reader separates histograms by the given labels, and adds up the others', () => {
  expect(histogramsIn(METRICS, /^app_wait/, ['type'])).toEqual({
    'app_wait_seconds type=a': { bounds: [0.1, 1, Infinity], counts: [3, 5, 6], sum: 9.5 },
  });
  expect(Object.keys(histogramsIn(METRICS, /^app_/, ['type', 'code']))).toEqual([
    'app_wait_seconds type=a code=1',
    'app_wait_seconds type=a code=2',
    'app_other_seconds',
  ]);
});

it("The reader returns the same for OpenTelemetry's histograms, and nothing before the first message", () => {
  const attributes = [{ key: 'for', value: { stringValue: 'turn' } }];
  const point = { attributes, explicitBounds: [0.1, 1], bucketCounts: [3, 2, 1], sum: 9.5 };
  const metrics = [{ name: 'wait', histogram: { dataPoints: [point] } }, { name: 'counter' }];
  const message = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  expect(histogramsOf(message)).toEqual({
    'wait for=turn': { bounds: [0.1, 1, Infinity], counts: [3, 5, 6], sum: 9.5 },
  });
  expect(histogramsOf(undefined)).toEqual({});
});

it('The difference of two readings leaves out histograms that did not grow', () => {
  const before = histogramsIn(METRICS, /^app_/, ['type']);
  const after = { ...before, app_other_seconds: { bounds: [Infinity], counts: [7], sum: 5 } };
  expect(since(before, after)).toEqual({ app_other_seconds: { bounds: [Infinity], counts: [4], sum: 2 } });
  expect(countOf(after.app_other_seconds)).toBe(7);
});

it('A quantile is interpolated within its bucket, and limited to the last finite bound', () => {
  const histogram = { bounds: [0.1, 1, Infinity], counts: [50, 90, 100], sum: 0 };
  expect(quantileOf(histogram, 0.25)).toBeCloseTo(0.05);
  expect(quantileOf(histogram, 0.7)).toBeCloseTo(0.55);
  expect(quantileOf(histogram, 0.99)).toBe(1);
});
