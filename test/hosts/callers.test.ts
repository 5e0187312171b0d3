// Who may call the functions. The Node host is tested with tokens of the real API server, tokens of a test issuer, and signatures.
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { connect as connectSocket, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT, UnsecuredJWT, type JWK, type JWTPayload } from 'jose';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { sourceOf } from '../../functions/events/website-event.ts';
import { eventually } from '../eventually.ts';
import { faultProxy } from '../faults/proxy.ts';
import { startForwarder, startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

const AUDIENCE = 'website-functions';
const NAMESPACE = 'website-reconciler';
const FORWARDER = `system:serviceaccount:${NAMESPACE}:website-forwarder`;
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const EVENT = JSON.stringify({
  id: '1',
  specversion: '1.0',
  source: '/x',
  type: 'com.example.stable.website.changed',
  data: {
    apiVersion: 'stable.example.com/v1',
    kind: 'Website',
    namespace: 'default',
    name: 'missing',
    uid: 'x',
    reason: 'retry',
  },
});

let admin: Transport;
const close: (() => unknown)[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
afterEach(async () => {
  for (const each of close.splice(0)) await each();
});

/** Starts the functions with these rules. @returns their address. */
async function functionsWith(rules: Record<string, string>): Promise<{ url: string; program: Program }> {
  const program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig'), ALLOW_ANONYMOUS: '', ...rules });
  close.push(() => program.stop());
  return { url: String((await program.line('Listening'))['url']), program };
}
async function send(url: string, headers: Record<string, string>, body = EVENT): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { ...STRUCTURED, ...headers }, body });
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function tokenOf(account: string, audience = AUDIENCE): Promise<string> {
  const { status } = (await admin.json({
    method: 'POST',
    path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`,
    what: 'create token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience] } },
  })) as { status: { token: string } };
  return status.token;
}

const OF_THE_CLUSTER = {
  CALLER_AUDIENCE: AUDIENCE,
  CALLER_SUBJECTS: `somebody-else, ${FORWARDER}`,
};

describe('A caller with a token of the cluster', () => {
  it('may send events and ask for a resync, and a caller without a token may only read the health pages', async () => {
    const { url } = await functionsWith(OF_THE_CLUSTER);
    const right = bearer(await tokenOf('website-forwarder'));
    expect((await send(url, right)).status).toBe(204);
    const resync = (headers: Record<string, string>) => fetch(new URL('resync', url), { method: 'POST', headers });
    expect((await resync(right)).status).toBe(204);
    expect((await resync({})).status).toBe(401);
    const anonymous = await send(url, {});
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer realm="website-reconciler"');
    expect(anonymous.headers.get('content-type')).toBe('application/problem+json');
    for (const page of ['livez', 'readyz', 'statusz']) expect((await fetch(new URL(page, url))).status).toBe(200);
    expect((await fetch(url, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('is refused if the token is of another ServiceAccount, for another audience, or altered', async () => {
    const { url, program } = await functionsWith(OF_THE_CLUSTER);
    const right = await tokenOf('website-forwarder');
    const [head = '', claims = '', signature = ''] = right.split('.');
    const decoded = JSON.parse(Buffer.from(claims, 'base64url').toString()) as JWTPayload;
    const altered = Buffer.from(JSON.stringify({ ...decoded, sub: 'somebody-else' })).toString('base64url');
    expect((await send(url, bearer(await tokenOf('website-functions')))).status).toBe(403);
    const tokens = {
      audience: await tokenOf('website-forwarder', 'another'),
      altered: `${head}.${altered}.${signature}`,
      unsigned: `${head}.${claims}.`,
      none: new UnsecuredJWT(decoded).encode(),
      nonsense: 'nonsense',
    };
    for (const [what, token] of Object.entries(tokens)) {
      const response = await send(url, bearer(token));
      expect([what, response.status]).toEqual([what, 401]);
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
    for (const scheme of ['Basic', 'bearer=', ''])
      expect((await send(url, { authorization: `${scheme} ${right}` })).status).toBe(401);
    const said = JSON.stringify(program.lines);
    for (const token of [right, ...Object.values(tokens)]) expect(said).not.toContain(token.slice(-40));
  });

  it('is refused if the settings name another issuer', async () => {
    const { url } = await functionsWith({ ...OF_THE_CLUSTER, CALLER_ISSUER: 'https://other.example.com' });
    expect((await send(url, bearer(await tokenOf('website-forwarder')))).status).toBe(401);
  });

  it('gets 503 while the cluster does not say who issues tokens', async () => {
    const proxy = await faultProxy(inject('functionsKubeconfig'));
    close.push(() => proxy.close());
    proxy.add({ path: /well-known/, fault: { answer: 503 } });
    const { url, program } = await functionsWith({ ...OF_THE_CLUSTER, KUBECONFIG: proxy.kubeconfig });
    const right = bearer(await tokenOf('website-forwarder'));
    // The functions have asked before, and said nothing about it.
    expect(program.lines.map(({ msg }) => msg)).toEqual(['Listening']);
    expect((await send(url, right)).status).toBe(503);
    proxy.heal();
    expect((await send(url, right)).status).toBe(204);
  });

  it('waits for neither the issuer nor the keys, which the functions have read before', async () => {
    const proxy = await faultProxy(inject('functionsKubeconfig'));
    close.push(() => proxy.close());
    const { url } = await functionsWith({ ...OF_THE_CLUSTER, KUBECONFIG: proxy.kubeconfig });
    const asked = () => proxy.requests.filter((each) => /well-known|jwks/.test(each)).length;
    await eventually(async () => expect(asked()).toBe(2));
    proxy.add({ path: /well-known|jwks/, fault: { answer: 503 } });
    expect((await send(url, bearer(await tokenOf('website-forwarder')))).status).toBe(204);
  });

  it('is refused before the body is read if the token is missing', async () => {
    const { url } = await functionsWith(OF_THE_CLUSTER);
    const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n{');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /);
    socket.destroy();
  });
});

const secretOf = (name: string) => `whsec_${createHash('sha256').update(name).digest('base64')}`;

const signedBy = (name: string, body: string, at = new Date(), id = '1') => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
  'webhook-signature': new Webhook(secretOf(name)).sign(id, at, body),
});

describe('The functions accept a forwarder with', () => {
  it.each<[string, Record<string, string>, (folder: string) => Record<string, string>]>([
    ['a token in a file', OF_THE_CLUSTER, (folder) => ({ SINK_TOKEN_FILE: join(folder, 'token') })],
    [
      'a signature by the old one of two keys',
      { CALLER_SIGNING_SECRET: `${secretOf('new')} ${secretOf('old')}` },
      () => ({ SINK_SIGNING_SECRET: secretOf('old') }),
    ],
  ])('%s', async (_, rules, credentials) => {
    const { url } = await functionsWith(rules);
    const key = { namespace: await createNamespace(admin, 'callers'), name: 'shop' };
    const folder = mkdtempSync(join(tmpdir(), 'callers-'));
    writeFileSync(join(folder, 'token'), await tokenOf('website-forwarder'));
    const flags = ['--sink', url, '--namespaces', key.namespace, '--host', '127.0.0.1', '--port', '0'];
    const KUBECONFIG = inject('forwarderKubeconfig');
    const forwarder = startForwarder(flags, { KUBECONFIG, ...credentials(folder) });
    close.push(
      () => forwarder.stop(),
      () => removeWebsitesIn(admin, key.namespace),
      () => rmSync(folder, { recursive: true }),
    );
    await createWebsite(admin, key, { image: 'nginx:1', replicas: 0 });
    await eventually(async () => expect(await kubernetes(admin).getChild('Deployment', key)).toBeDefined());
  });
});

describe('A caller with a token of another issuer', () => {
  const ISSUER = 'https://issuer.example.com/';
  let keys: Record<string, KeyObject>;
  let published: JWK[];
  let server: Server;
  let isAway: boolean;
  let rules: Record<string, string>;

  const newKey = async (kid: string) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    keys[kid] = privateKey;
    return { ...(await exportJWK(publicKey)), kid, alg: 'RS256' };
  };
  const now = () => Math.floor(Date.now() / 1000);
  const claims = (more: JWTPayload = {}): JWTPayload => ({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'sender',
    exp: now() + 300,
    ...more,
  });
  const signed = (payload: JWTPayload, kid = 'first') =>
    new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid }).sign(keys[kid] as KeyObject);

  beforeAll(async () => {
    [keys, isAway] = [{}, false];
    published = [await newKey('first')];
    server = createServer((_, response) => {
      response.writeHead(isAway ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: published }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const CALLER_JWKS_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    rules = { CALLER_ISSUER: ISSUER, CALLER_AUDIENCE: AUDIENCE, CALLER_SUBJECTS: 'sender', CALLER_JWKS_URL };
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  it('may call while the token is valid, with one minute for clock skew', async () => {
    const { url } = await functionsWith(rules);
    const status = async (payload: JWTPayload) => (await send(url, bearer(await signed(payload)))).status;
    expect(await status(claims())).toBe(204);
    expect(await status(claims({ exp: now() - 30 }))).toBe(204);
    expect(await status(claims({ exp: now() - 90 }))).toBe(401);
    expect(await status(claims({ nbf: now() + 30 }))).toBe(204);
    expect(await status(claims({ nbf: now() + 90 }))).toBe(401);
    const { exp: _, ...endless } = claims();
    expect(await status(endless)).toBe(401);
    expect(await status(claims({ iss: 'https://other.example.com/' }))).toBe(401);
    expect(await status(claims({ sub: 'another' }))).toBe(403);
  });

  it('may not sign a token with the public key as the secret', async () => {
    const { url } = await functionsWith(rules);
    const { n = '' } = published[0] ?? {};
    for (const secret of [Buffer.from(n, 'base64url'), Buffer.from(JSON.stringify(published[0]))]) {
      const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(secret);
      expect((await send(url, bearer(token))).status).toBe(401);
    }
  });

  it('may not use an algorithm that the functions do not list', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    published = [...published, { ...(await exportJWK(publicKey)), kid: 'edwards' }];
    const { url } = await functionsWith(rules);
    const status = async (alg: string) => {
      const token = await new SignJWT(claims()).setProtectedHeader({ alg, kid: 'edwards' }).sign(privateKey);
      return (await send(url, bearer(token))).status;
    };
    expect([await status('EdDSA'), await status('Ed25519')]).toEqual([204, 401]);
  });

  it('may use a new key once the issuer has published it', async () => {
    const { url } = await functionsWith(rules);
    expect((await send(url, bearer(await signed(claims())))).status).toBe(204);
    const second = await newKey('second');
    expect((await send(url, bearer(await signed(claims(), 'second')))).status).toBe(401);
    published = [...published, second];
    await eventually(async () => expect((await send(url, bearer(await signed(claims(), 'second')))).status).toBe(204));
  });

  it("gets 503 with Retry-After while the issuer's keys cannot be read", async () => {
    isAway = true;
    const { url } = await functionsWith(rules);
    const response = await send(url, bearer(await signed(claims())));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    isAway = false;
    await eventually(async () => expect((await send(url, bearer(await signed(claims())))).status).toBe(204));
  });
});

describe('With several clusters, the functions', () => {
  const [ISSUER, SUBJECT] = ['https://other.example.com', FORWARDER];
  let other: Server;
  let sign: (issuer: string, by?: 'its key' | 'another key') => Promise<string>;
  const asked: string[] = [];
  /** Paths that the other cluster does not answer. */
  let silent: RegExp | undefined;
  let rules: Record<string, string>;

  beforeEach(async () => {
    const [its, another] = ['its key', 'another key'].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
    if (its === undefined || another === undefined) throw new Error('There are no keys');
    sign = (issuer, by = 'its key') =>
      new SignJWT({ sub: SUBJECT })
        .setProtectedHeader({ alg: 'RS256', kid: 'its' })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setExpirationTime('5m')
        .sign((by === 'its key' ? its : another).privateKey);
    const keys = [{ ...(await exportJWK(its.publicKey)), kid: 'its' }];
    silent = undefined;
    asked.length = 0;
    other = createServer(({ url = '' }, response) => {
      asked.push(url);
      if (silent?.test(url)) return;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(url.includes('well-known') ? { issuer: ISSUER } : { keys }));
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const proxy = await faultProxy(inject('functionsKubeconfig'));
    close.push(
      () => proxy.close(),
      () => other.closeAllConnections(),
      () => other.close(),
    );
    const servers = { real: proxy.url, other: `http://127.0.0.1:${(other.address() as AddressInfo).port}` };
    const named = (value: (name: string, server: string) => object) =>
      Object.entries(servers).map(([name, server]) => ({ name, ...value(name, server) }));
    const kubeconfig = {
      clusters: named((_, server) => ({ cluster: { server, 'insecure-skip-tls-verify': true } })),
      users: named(() => ({ user: { token: 'x' } })),
      contexts: named((name) => ({ context: { cluster: name, user: name } })),
    };
    const settings = { KUBECONFIG: '', KUBECONFIG_CONTENT: JSON.stringify(kubeconfig) };
    rules = { ...OF_THE_CLUSTER, ...settings, CLUSTERS: '{"other":"other","real":"real"}' };
  });
  const statusFor = async (url: string, token: string) =>
    (await send(url, bearer(token), EVENT.replace('/x', sourceOf('real')))).status;

  it("accept tokens of each cluster, checked with that cluster's own keys", async () => {
    const { url } = await functionsWith(rules);
    for (const _ of [1, 2, 3]) expect(await statusFor(url, await tokenOf('website-forwarder'))).toBe(204);
    expect(asked).not.toContain('/openid/v1/jwks');
    expect(await statusFor(url, await sign(ISSUER))).toBe(204);
    expect(await statusFor(url, await sign(ISSUER, 'another key'))).toBe(401);
    expect(await statusFor(url, await sign('https://kubernetes.default.svc'))).toBe(401);
    expect(await statusFor(url, await sign('https://nobody.example.com'))).toBe(401);
  });

  it('answer callers of the other clusters while one is silent, and answer its own with 503', async () => {
    silent = /./;
    const { url } = await functionsWith(rules);
    // The answer comes long before the other cluster's time limit.
    const right = await tokenOf('website-forwarder');
    const waiting = statusFor(url, await sign(ISSUER));
    expect(await Promise.race([statusFor(url, right), waiting])).toBe(204);
    expect(await waiting).toBe(503);
    silent = undefined;
    expect(await statusFor(url, await sign(ISSUER))).toBe(204);
  });
});

describe('A caller that signs (Standard Webhooks)', () => {
  const rules = { CALLER_SIGNING_SECRET: `${secretOf('old')} ${secretOf('new')}` };
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

  it('may call with any of the keys, until five minutes after the signature', async () => {
    const { url } = await functionsWith(rules);
    const status = async (headers: Record<string, string>, body = EVENT) => (await send(url, headers, body)).status;
    expect(await status(signedBy('old', EVENT))).toBe(204);
    expect(await status(signedBy('new', EVENT))).toBe(204);
    expect(await status(signedBy('old', EVENT, minutesAgo(4)))).toBe(204);
    expect(await status(signedBy('old', EVENT, minutesAgo(6)))).toBe(401);
    expect(await status(signedBy('old', EVENT, minutesAgo(-6)))).toBe(401);
    expect(await status(signedBy('another', EVENT))).toBe(401);
    expect(await status(signedBy('old', EVENT), EVENT.replace('missing', 'another'))).toBe(401);
    expect(await status({ ...signedBy('old', EVENT), 'webhook-id': '2' })).toBe(401);
    expect(await status({})).toBe(401);
    const large = `{"data":"${'x'.repeat(300_000)}"}`;
    expect(await status(signedBy('old', large), large)).toBe(413);
  });

  it('causes no second write if somebody replays its request', async () => {
    const { url, program } = await functionsWith(rules);
    const key = { namespace: await createNamespace(admin, 'callers'), name: 'missing' };
    close.push(() => removeWebsitesIn(admin, key.namespace));
    await createWebsite(admin, key, { image: 'nginx:1', replicas: 0 });
    const body = EVENT.replace('default', key.namespace);
    const headers = signedBy('old', body);
    const actionsOf = () =>
      program.lines.filter(({ msg }) => msg === 'Reconciled Website').map(({ actions }) => actions);
    expect((await send(url, headers, body)).status).toBe(204);
    // The status follows the Deployment, and then there is nothing left to write.
    await eventually(async () => {
      expect((await send(url, headers, body)).status).toBe(204);
      expect(actionsOf().at(-1)).toEqual([]);
    });
    expect(
      actionsOf()
        .flat()
        .filter((action) => action !== 'update status'),
    ).toEqual(['create Deployment', 'create Service']);
  });

  it('cannot have a signed event replayed as a request for a resync, nor the other way round', async () => {
    const { url, program } = await functionsWith(rules);
    const resync = async (headers: Record<string, string>, body: string) =>
      (await fetch(new URL('resync', url), { method: 'POST', headers, body })).status;
    const [event, empty] = [signedBy('old', EVENT), signedBy('old', '')];
    expect((await send(url, event)).status).toBe(204);
    expect(await resync(empty, '')).toBe(204);
    expect(await resync(event, EVENT)).toBe(401);
    expect(await resync({ ...event, ...STRUCTURED }, EVENT)).toBe(401);
    const forged = { 'ce-id': '1', 'ce-specversion': '1.0', 'ce-source': '/x' };
    for (const type of ['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json', '']) {
      const ping = { ...forged, 'ce-type': 'dev.knative.sources.ping', 'content-type': type };
      expect((await send(url, { ...empty, ...ping }, '')).status).toBe(401);
    }
    await program.line('Resynced Websites');
    await program.stop();
    expect(program.lines.filter(({ msg }) => msg === 'Resynced Websites')).toHaveLength(1);
  });

  it('may ask for a resync with a signed event', async () => {
    const { url } = await functionsWith(rules);
    const body = JSON.stringify({ ...JSON.parse(EVENT), type: 'com.example.stable.websites.resync', data: undefined });
    const response = await send(url, signedBy('old', body), body);
    expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'resynced']);
  });

  it('may use ids of events with dots, but no id or timestamp that blurs where the body begins', async () => {
    const { url } = await functionsWith(rules);
    const status = async (id: string, given: Record<string, string> = {}) =>
      (await send(url, { ...signedBy('old', EVENT, new Date(), id), ...given })).status;
    expect(await status('uid.7')).toBe(204);
    expect(await status('uid_7,uid_8')).toBe(204);
    for (const id of ['1.{"id":"2"', '1.[', 'a b']) expect(await status(id)).toBe(401);
    const now = String(Math.floor(Date.now() / 1000));
    for (const timestamp of [`${now}.`, `${now} 1`, `+${now}`, '9'.repeat(400), ''])
      expect(await status('1', { 'webhook-timestamp': timestamp })).toBe(401);
  });

  it('may not put the attributes of an event into headers, because the signature does not cover them', async () => {
    const { url } = await functionsWith(rules);
    const attributes = { 'ce-id': '1', 'ce-specversion': '1.0', 'ce-source': '/x', 'ce-type': 'x' };
    const headers = { ...signedBy('old', EVENT), ...attributes, 'content-type': 'application/json' };
    expect((await send(url, headers)).status).toBe(401);
  });
});

describe('On Azure, beside the function key,', () => {
  const azureWith = async (rules: Record<string, string>): Promise<string> => {
    const settings = { KUBECONFIG: inject('functionsKubeconfig'), ...rules };
    const program = startProgram('test/hosts/azure-worker.ts', [], settings);
    close.push(() => program.stop());
    return String((await program.line('Listening'))['url']);
  };

  it('the functions check tokens if the settings ask for it', async () => {
    const url = await azureWith(OF_THE_CLUSTER);
    expect((await send(url, bearer(await tokenOf('website-forwarder')))).status).toBe(204);
    expect((await send(url, bearer(await tokenOf('website-functions')))).status).toBe(403);
    const anonymous = await send(url, {});
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="website-reconciler"',
    ]);
    expect((await fetch(url, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('the functions check signatures of bodies up to the size limit', async () => {
    const url = await azureWith({ CALLER_SIGNING_SECRET: secretOf('x') });
    expect((await send(url, signedBy('x', EVENT))).status).toBe(204);
    expect((await send(url, signedBy('y', EVENT))).status).toBe(401);
    expect((await send(url, signedBy('x', ''), '')).status).toBe(401);
    const large = 'x'.repeat(300_000);
    expect((await send(url, signedBy('y', large), large)).status).toBe(413);
  });
});

describe('Functions without rules for callers', () => {
  const says = async (rules: Record<string, string>) => {
    const program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig'), ...rules });
    expect(await program.exit).toBe(2);
    return program.stderr.join('');
  };

  it('do not start', async () => {
    expect(await says({ ALLOW_ANONYMOUS: '' })).toMatch(/CALLER_AUDIENCE.*CALLER_SIGNING_SECRET.*ALLOW_ANONYMOUS=1/);
  });

  it('do not start with ALLOW_ANONYMOUS on an address that other machines can reach', async () => {
    expect(await says({ HOST: '0.0.0.0' })).toContain('set HOST to 127.0.0.1');
  });

  it.each([
    ['incomplete settings for tokens', { CALLER_ISSUER: 'https://x.example.com' }, 'CALLER_AUDIENCE'],
    ['a URL of keys without TLS', { CALLER_JWKS_URL: 'http://x.example.com/keys' }, 'CALLER_JWKS_URL: must be https'],
    ['a malformed signing secret', { CALLER_SIGNING_SECRET: 'short' }, 'CALLER_SIGNING_SECRET: must be'],
  ])('do not start with %s', async (_, rules, words) => {
    expect(await says(rules)).toContain(words);
  });
});
