import { expect, it } from 'vitest';
import { unreadable, withoutSecrets } from '../../functions/cluster/without-secrets.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl';

it.each([
  ['a token', `Could not read ${JWT}: open '${JWT}'`, "Could not read (hidden): open '(hidden)'"],
  ['a token without a signature', `open '${JWT.slice(0, 40)}'`, "open '(hidden)'"],
  ['half a token', `open '${JWT.slice(0, 15)}'`, "open '(hidden)'"],
  ['a token with a prefix', `open '/tmp/${JWT}'`, "open '/tmp/(hidden)'"],
  ['a private key', 'x -----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY----- y', 'x (hidden) y'],
  ['half a private key', 'x -----BEGIN EC PRIVATE KEY-----\nAAAA', 'x (hidden)'],
  ['a signing secret', 'open whsec_AAA+/AA==', 'open (hidden)'],
  ['a key in base64', `open ${Buffer.alloc(32, 'a').toString('base64')}: no`, 'open (hidden): no'],
  ['a URL with a password', 'read https://u:p:w@x.example.com/y?z@', 'read https://(hidden)@x.example.com/y?z@'],
])('Of %s, a message shows nothing', (_, text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});

it.each([
  '/var/run/secrets/kubernetes.io/serviceaccount/token',
  '/tmp/website-reconciler-5nEpXg/website-forwarder.token',
  '/nix/store/0c3wfs3pfgqd9rzpr5ykjzvxaw4wc0zg-website-reconciler-0.1.0/bin/website',
  'keys/2b1d7a3c-6f0e-4f2a-9d59-1f3e5f0f8d11',
  'arn:aws:eks:eu-central-1:123456789012:cluster/shop',
  'https://x.example.com/a/b@c',
  'Website-Forwarder-Token-Of-Production-2026-10-01.txt',
])('The name %s is shown', (text) => {
  expect(withoutSecrets(text)).toBe(text);
});

const HEX = '9f86d081884c7d659a2feaa0c55ad015';
const missing = (path: string) =>
  Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });

it.each([
  ['a random one', HEX],
  ['one of GitHub', `ghp_${HEX}abcd`],
  ['one with other characters', `my-${HEX}~x`],
  ['in base64', Buffer.from(HEX, 'hex').toString('base64')],
  ['a bootstrap token', '07401b.f395accd246ae52d'],
])('A missing file whose name may be a static token is not named: %s', (_, token) => {
  expect(unreadable(token, missing(token))).toBe("(hidden): ENOENT: no such file or directory, open '(hidden)'");
});

it.each([
  'token',
  'forwarder-token-production-2026',
  'websitereconcilertokenfile',
  '2b1d7a3c-6f0e-4f2a-9d59-1f3e5f0f8d11',
  `./${HEX}`,
  `${HEX}.token`,
  `/var/run/secrets/${HEX}`,
  `C:\\tokens\\${HEX}`,
])('A missing file is named if its name is no token: %s', (path) => {
  expect(unreadable(path, missing(path))).toBe(`${path}: ENOENT: no such file or directory, open '${path}'`);
});

it('A file that exists is named, whatever it is called', () => {
  const denied = Object.assign(new Error(`EACCES: permission denied, open '${HEX}'`), { code: 'EACCES' });
  expect(unreadable(HEX, denied)).toBe(`${HEX}: EACCES: permission denied, open '${HEX}'`);
});
