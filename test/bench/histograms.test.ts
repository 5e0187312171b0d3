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

it('Histograms are told apart by the labels that are asked for, and added up over others', () => {
  expect(histogramsIn(METRICS, /^app_wait/, ['type'])).toEqual({
    'app_wait_seconds type=a': { bounds: [0.1, 1, Infinity], counts: [3, 5, 6], sum: 9.5 },
  });
  expect(Object.keys(histogramsIn(METRICS, /^app_/, ['type', 'code']))).toEqual([
    'app_wait_seconds type=a code=1',
    'app_wait_seconds type=a code=2',
    'app_other_seconds',
  ]);
});

it('Those of OpenTelemetry are the same, and none were sent before the first message', () => {
  const attributes = [{ key: 'for', value: { stringValue: 'turn' } }];
  const point = { attributes, explicitBounds: [0.1, 1], bucketCounts: [3, 2, 1], sum: 9.5 };
  const metrics = [{ name: 'wait', histogram: { dataPoints: [point] } }, { name: 'counter' }];
  const message = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  expect(histogramsOf(message)).toEqual({
    'wait for=turn': { bounds: [0.1, 1, Infinity], counts: [3, 5, 6], sum: 9.5 },
  });
  expect(histogramsOf(undefined)).toEqual({});
});

it('What came between leaves out what did not grow', () => {
  const before = histogramsIn(METRICS, /^app_/, ['type']);
  const after = { ...before, app_other_seconds: { bounds: [Infinity], counts: [7], sum: 5 } };
  expect(since(before, after)).toEqual({ app_other_seconds: { bounds: [Infinity], counts: [4], sum: 2 } });
  expect(countOf(after.app_other_seconds)).toBe(7);
});

it('A quantile lies within its bucket, as far as its rank, and beyond the last bound at that bound', () => {
  const histogram = { bounds: [0.1, 1, Infinity], counts: [50, 90, 100], sum: 0 };
  expect(quantileOf(histogram, 0.25)).toBeCloseTo(0.05);
  expect(quantileOf(histogram, 0.7)).toBeCloseTo(0.55);
  expect(quantileOf(histogram, 0.99)).toBe(1);
});
