import { expect, it } from 'vitest';
import { errorOf, retryAfterSeconds } from '../../functions/cluster/refusals.ts';

it.each([
  ['7', 7],
  ['0', 0],
  ['1e14', 3_600],
  ['-7', undefined],
  ['1e400', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  [' ', undefined],
  [undefined, undefined],
])('A Retry-After header of %s counts as %s seconds', (header, seconds) => {
  expect(retryAfterSeconds(header)).toBe(seconds);
});

it.each([
  [7, 7],
  [1e300, 3_600],
  [-7, 9],
  ['soon', 9],
  [null, 9],
])('A Status with retryAfterSeconds %j counts as %s seconds', (asked, seconds) => {
  const body = { kind: 'Status', message: 'exceeded quota: x', details: { name: 'a', retryAfterSeconds: asked } };
  const error = errorOf('create', 403, JSON.stringify(body), '9');
  expect([error.code, error.retryAfterSeconds]).toEqual(['QuotaExceeded', seconds]);
});

it.each([
  [
    'a webhook that cannot be called',
    500,
    'Internal error occurred: failed calling webhook "a"',
    'InternalError',
    false,
  ],
  ['etcd without a leader', 500, 'etcdserver: no leader', 'Unavailable', true],
  ['etcd that cannot be reached', 500, 'rpc error: code = Unavailable desc = connection error', 'Unavailable', true],
  ['an object that is too large', 500, 'etcdserver: request is too large', 'RequestTooLarge', false],
  ['an API server that shuts down', 503, 'apiserver is shutting down', 'Unavailable', true],
])('%s is told from errors of the whole cluster', (_, status, message, code, isOfCluster) => {
  const error = errorOf('update deployments', status, JSON.stringify({ kind: 'Status', message }), undefined);
  expect([error.code, error.isOfCluster]).toEqual([code, isOfCluster]);
});

it.each([400, 401, 403, 404, 409, 422, 429, 500, 503])(
  'A refusal by a webhook that carries the status %s is a refusal by a policy',
  (status) => {
    const message = 'admission webhook "policy.example.com" denied the request: not here';
    const error = errorOf('update deployments', status, JSON.stringify({ kind: 'Status', message }), undefined);
    expect([error.code, error.class]).toEqual(['PolicyDenied', 'terminal']);
  },
);
