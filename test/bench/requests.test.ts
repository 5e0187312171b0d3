import { expect, it } from 'vitest';
import { between, requestsIn, writesIn } from './requests.ts';

const series = (labels: Record<string, string>, value: number | string) =>
  `apiserver_request_total{${Object.entries(labels)
    .map(([name, text]) => `${name}="${text}"`)
    .join(',')}} ${value}`;

it('Requests are added up by verb, resource and subresource, and failures are counted separately', () => {
  const metrics = [
    '# TYPE apiserver_request_total counter',
    series({ code: '200', resource: 'websites', subresource: '', verb: 'GET' }, 3),
    series({ code: '200', dry_run: '', resource: 'websites', subresource: '', verb: 'GET' }, 2),
    series({ code: '404', resource: 'websites', subresource: '', verb: 'GET' }, 1),
    series({ code: '200', resource: 'websites', subresource: 'status', verb: 'PUT' }, '1.5e+03'),
    series({ code: '200', resource: '', subresource: '/readyz', verb: 'GET' }, 9),
    'apiserver_request_duration_seconds_count{resource="websites",verb="GET"} 7',
  ].join('\n');
  expect(requestsIn(metrics)).toEqual({ 'GET websites': 5, 'GET websites -> 404': 1, 'PUT websites/status': 1500 });
});

it('The requests between two readings leave out earlier requests and those of the benchmark itself', () => {
  const before = { 'GET a': 2, 'POST a': 1 };
  const after = { 'GET a': 2, 'POST a': 5, 'PUT a': 3 };
  expect(between(before, after, { 'POST a': 3 })).toEqual({ 'POST a': 1, 'PUT a': 3 });
});

it('The benchmark counts only successful writes of Websites and their children', () => {
  const requests = {
    'GET websites': 100,
    'POST deployments': 2,
    'APPLY services': 3,
    'PUT websites/status': 4,
    'PATCH websites/status -> 409': 50,
    'PUT leases': 9,
    'POST ipaddresses': 9,
    'POST events': 9,
  };
  expect(writesIn(requests)).toBe(9);
});
