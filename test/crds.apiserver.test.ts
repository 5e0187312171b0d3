import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { kubernetes } from '../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../functions/cluster/transport.ts';
import { reconcile } from '../functions/website/reconcile.ts';
import { websiteSpec, type Website } from '../functions/website/resource.ts';
import { refusal, spec, specWith } from './bad-specs.ts';
import { createNamespace, createWebsite } from './real-cluster.ts';

let transport: Transport;
let namespace: string;
beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(transport, 'crds');
});
afterAll(() => transport.close());

/** The largest total size of the names and values of all variables, in characters. */
const LARGEST = 131_072;
/** Variables with this many characters in total, of four bytes each. */
function variables(characters: number): { name: string; value: string }[] {
  const sizes = Array.from({ length: Math.ceil(characters / 30_000) }, (_, index) =>
    Math.min(30_000, characters - index * 30_000),
  );
  return sizes.map((size, index) => ({ name: `V${index}`, value: '😀'.repeat(size - 2) }));
}

const samples = new URL('../crds/samples/', import.meta.url);

it.each(readdirSync(samples))(
  'The API server and the functions accept or refuse sample %s, as its name says',
  async (file) => {
    const sample = parse(readFileSync(new URL(file, samples), 'utf8')) as Website;
    const key = { namespace, name: sample.metadata.name };
    const created = createWebsite(transport, key, sample.spec);
    if (file.startsWith('invalid-')) {
      await expect(created).rejects.toMatchObject({ code: 'Invalid' });
      return;
    }
    await expect(created).resolves.toMatchObject({ spec: sample.spec });
    const { outcome, actions } = await reconcile(key, { cluster: kubernetes(transport), now: () => new Date() });
    expect(outcome.kind).not.toBe('stalled');
    expect(actions).toContain('create Service');
  },
);

describe('The API server refuses a Website', () => {
  it.each<[string, object, string]>([
    ['without an image', { replicas: 1 }, 'spec.image: Required value'],
    ['without replicas', { image: 'nginx' }, 'spec.replicas: Required value'],
    [
      'with a relative path of files',
      { ...spec, files: [{ path: 'html', emptyDir: {} }] },
      'spec.files[0].path: Invalid value: "html": must begin with /',
    ],
    [
      'with .. in a path of files',
      { ...spec, files: [{ path: '/a/../b', emptyDir: {} }] },
      'must not contain . or .. as a segment',
    ],
    ['with a colon in a path of files', { ...spec, files: [{ path: '/a:ro', emptyDir: {} }] }, 'must not contain :'],
    [
      'with files without a source',
      { ...spec, files: [{ path: '/a' }] },
      'spec.files[0]: Invalid value: must have one of configMap, secret, emptyDir and image',
    ],
    [
      'with files from two sources',
      { ...spec, files: [{ path: '/a', emptyDir: {}, secret: { name: 'x' } }] },
      'must have one of configMap, secret, emptyDir and image',
    ],
    [
      'with a duplicate path of files',
      {
        ...spec,
        files: [
          { path: '/a', emptyDir: {} },
          { path: '/a', secret: { name: 'x' } },
        ],
      },
      'must have each path once',
    ],
    [
      'with 21 files',
      { ...spec, files: Array.from({ length: 21 }, (_, index) => ({ path: `/${index}`, emptyDir: {} })) },
      'spec.files: Too many: 21: must have at most 20 items',
    ],
    ['with -1 replicas', { ...spec, replicas: -1 }, 'spec.replicas in body should be greater than or equal to 0'],
    ['with 1001 replicas', { ...spec, replicas: 1001 }, 'spec.replicas in body should be less than or equal to 1000'],
    ['with half a replica', { ...spec, replicas: 1.5 }, 'spec.replicas'],
    ['with a newline in the image', { ...spec, image: 'nginx\nx: y' }, 'spec.image'],
    ['with an image that is too long', { ...spec, image: 'a'.repeat(513) }, 'spec.image'],
    ['with port 0', { ...spec, port: 0 }, 'spec.port'],
    [
      'with a certificate but no host',
      { ...spec, tlsSecretName: 'tls' },
      'spec.tlsSecretName: Invalid value: tlsSecretName needs host or hosts',
    ],
    ['with a Gateway but no host', { ...spec, gateway: { name: 'public' } }, 'gateway needs host or hosts'],
    [
      'with a Gateway and a class',
      { ...spec, host: 'a.example.com', gateway: { name: 'public' }, ingressClassName: 'nginx' },
      'spec.ingressClassName: Invalid value: must be absent beside gateway, which takes the place of the Ingress',
    ],
    [
      'with a Gateway and an issuer',
      { ...spec, host: 'a.example.com', gateway: { name: 'public' }, tls: { issuer: { name: 'ca' } } },
      'spec.tls.issuer: Invalid value: must be absent beside gateway: annotate the Gateway with the issuer, and write tls.secretName here',
    ],
    ['with a class but no host', { ...spec, ingressClassName: 'nginx' }, 'ingressClassName needs host or hosts'],
    [
      'with paths but no host',
      { ...spec, hosts: [], paths: [{ path: '/' }] },
      'spec.paths: Invalid value: paths needs',
    ],
    ['with an issuer but no host', { ...spec, tls: { issuer: { name: 'ca' } } }, 'spec.tls: Invalid value: tls needs'],
    ['with a duplicate host', { ...spec, hosts: ['a.example.com', 'a.example.com'] }, 'spec.hosts[1]: Duplicate value'],
    [
      'with a duplicate path',
      { ...spec, host: 'a.example.com', paths: [{ path: '/' }, { path: '/', type: 'Exact' }] },
      'spec.paths[1]: Duplicate value',
    ],
    [
      'with a path that cert-manager uses',
      { ...spec, host: 'a.example.com', paths: [{ path: '/.well-known/acme-challenge/x' }] },
      'spec.paths[0].path: Invalid value: must not be below /.well-known/acme-challenge/',
    ],
    [
      'with two certificates',
      { ...spec, host: 'a.example.com', tls: { secretName: 'a' }, tlsSecretName: 'a' },
      'spec.tlsSecretName: Invalid value: must be absent beside tls: write tls.secretName instead',
    ],
    [
      'with a certificate without a source',
      { ...spec, host: 'a.example.com', tls: {} },
      'spec.tls: Invalid value: must have one of secretName and issuer',
    ],
    ['with a duplicate variable', { ...spec, env: [{ name: 'A' }, { name: 'A' }] }, 'spec.env[1]: Duplicate value'],
    [
      'with variables that are too large in total',
      { ...spec, env: variables(LARGEST + 1) },
      'spec.env: Invalid value: names and values must have at most 131072 characters in total',
    ],
    ['with an unknown profile', { ...spec, securityProfile: 'root' }, 'spec.securityProfile'],
    ['with an unknown field', { ...spec, hostPath: '/' }, 'unknown field "spec.hostPath"'],
  ])('%s, and names the field', async (_, bad, message) => {
    await expect(createWebsite(transport, { namespace, name: 'bad' }, bad)).rejects.toThrow(message);
  });

  const IMAGE = 'must be an image reference such as nginx:1.29 or registry.example.com/team/app:1.2';
  const DIGEST = 'must have a digest such as @sha256: and 64 hexadecimal digits';
  const TAG = 'must have a tag of 1 to 128 letters, digits, _, - and ., which must not start with - or .';
  const AMOUNT =
    'must be an amount such as 500m, 128Mi, 2, or "0.5" in quotes; its unit is one of n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei';
  const BLANK = 'must be an image reference such as nginx:1.29, without white space';
  const WHITE_SPACE = 'must not contain white space';
  const image = (value: string, message: string) => ['image', value, message] as const;
  const host = (value: string, message: string) => ['host', value, message] as const;
  it.each<readonly [string, unknown, string]>([
    image('ghcr.io/Org/App', 'must be lower case, except in its tag'),
    image('Nginx', 'must be lower case, except in its tag'),
    image('localhost:5000/App:1', 'must be lower case, except in its tag'),
    image('nginx 1.29', BLANK),
    image('nginx:1.29\n', BLANK),
    image('https://ghcr.io/org/app', 'must be an image reference without a scheme such as https://'),
    image('nginx:', TAG),
    image('nginx:-1', TAG),
    image('GHCR.io/org/app:', TAG),
    image('nginx@sha256:abc', DIGEST),
    image('nginx:1.29@', DIGEST),
    image('org//app', IMAGE),
    image('-nginx@sha256:abc', IMAGE),
    host('Shop.example.com', 'must be lower case'),
    host('http://shop.example.com', 'must be a DNS name alone, without a scheme or a path'),
    host('shop.example.com/a', 'must be a DNS name alone, without a scheme or a path'),
    host('shop.example.com:8080', 'must be a DNS name without a port'),
    host('my_shop.example.com', 'must not contain _'),
    host(' shop.example.com', WHITE_SPACE),
    host('bücher.example', 'must be written in ASCII: an international name has a form that begins with xn--'),
    host('shop.*.example.com', 'may have * as its first label only, such as *.example.com'),
    host('shop.example.com.', 'must not end with a dot'),
    host('-shop', 'must be a DNS name such as shop.example.com'),
    ['hosts[0]', 'shop.example.com/a', 'must be a DNS name alone, without a scheme or a path'],
    ['paths[0].path', 'shop', 'must begin with /'],
    ['paths[0].path', 'https://shop.example.com/', 'must be a path alone, without a scheme and a host'],
    ['paths[0].path', '/?page=1', 'must be a path alone, without a query or a fragment'],
    ['paths[0].path', '/a//b', 'must not contain //'],
    ['paths[0].path', '/a/..', 'must not contain a segment of dots alone'],
    ['paths[0].path', '/a%2Fb', 'must not contain an escaped /'],
    ['paths[0].path', '/100%', 'must be a path such as /shop: letters, digits, -, ., _, ~ and the like'],
    ['tls.secretName', 'team-a/shop', 'must be the name of a Secret alone, without a namespace'],
    ['tls.issuer.name', 'Ca', 'must be lower case'],
    ['tlsSecretName', 'Shop', 'must be lower case'],
    ['tlsSecretName', 'team-a/shop', 'must be the name of a Secret alone, without a namespace'],
    ['tlsSecretName', 'my_shop', 'must not contain _'],
    ['tlsSecretName', 'shop-', 'must be the name of a Secret: lower-case letters, digits, - and .'],
    ['gateway.name', 'infra/public', 'must be the name of a Gateway alone, without a namespace'],
    ['gateway.namespace', 'Infra', 'must be lower case'],
    ['gateway.namespace', 'infra.example', 'must be the name of a namespace: lower-case letters, digits and -'],
    ['gateway.sectionName', 'my_https', 'must not contain _'],
    ['ingressClassName', 'Nginx', 'must be lower case'],
    ['ingressClassName', '-nginx', 'must be the name of an IngressClass: lower-case letters, digits, - and .'],
    ['env[0].name', '1A', 'must not start with a digit'],
    ['env[0].name', 'A=1', 'must be a name without = and a value'],
    ['env[0].name', 'A B', WHITE_SPACE],
    ['env[0].name', 'Ä', 'must be the name of an environment variable: letters, digits, _, - and .'],
    ['resources.limits.cpu', 'much', AMOUNT],
    ['resources.limits.cpu', '-1', AMOUNT],
    ['resources.limits.cpu', -1, AMOUNT],
    ['resources.limits.cpu', '0,5', AMOUNT],
    ['resources.requests.memory', '128mb', AMOUNT],
    ['resources.requests.memory', '128 Mi', AMOUNT],
    ['resources.requests.memory', '.', AMOUNT],
  ])('whose %s is %j, and so does the schema: %s', async (path, value, message) => {
    const bad = specWith(path, value);
    // The whole sentence, and no second one beside it.
    await expect(createWebsite(transport, { namespace, name: 'bad' }, bad)).rejects.toThrow(refusal(path, message));
    const { error } = websiteSpec.safeParse(bad);
    expect(error?.issues).toMatchObject([{ message }]);
  });

  it.each([
    ['of 53 characters', 'a'.repeat(53), 'metadata.name must be at most 52 characters'],
    ['with a dot', 'a.b', 'metadata.name must be a DNS label'],
    ['that starts with a digit', '1a', 'metadata.name must be a DNS label that starts with a letter'],
  ])('with a name %s', async (_, name, message) => {
    await expect(createWebsite(transport, { namespace, name }, spec)).rejects.toThrow(message);
  });
});

it('The API server accepts a name of 52 characters and every form of amount, and fills in the defaults', async () => {
  const resources = { requests: { cpu: '.5', memory: '64Mi' }, limits: { cpu: 2, memory: '+1e9' } };
  const website = await createWebsite(transport, { namespace, name: 'a'.repeat(52) }, { ...spec, resources });
  expect(website.spec).toMatchObject({ port: 80, suspend: false, securityProfile: 'baseline', resources });
});

it('The API server accepts variables of the largest total size, and the schema agrees', async () => {
  const env = variables(LARGEST);
  const website = await createWebsite(transport, { namespace, name: 'large' }, { ...spec, env });
  expect(websiteSpec.safeParse(website.spec).success).toBe(true);
  expect(websiteSpec.safeParse({ ...spec, env: variables(LARGEST + 1) }).success).toBe(false);
});

it('The API server ignores a status beside the spec, and stores every field of it through the subresource', async () => {
  const website = await createWebsite(transport, { namespace, name: 'status' }, spec);
  const status = {
    observedGeneration: 1,
    replicas: 1,
    readyReplicas: 1,
    replicasSet: 1,
    deploymentName: 'd',
    url: 'http://x',
  };
  const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites/status`;
  await transport.json({ method: 'PUT', path, what: 'update', body: { ...website, status } });
  expect(await transport.json({ method: 'GET', path, what: 'get' })).not.toHaveProperty('status');
  const read = (await transport.json({ method: 'GET', path, what: 'get' })) as typeof website;
  await transport.json({ method: 'PUT', path: `${path}/status`, what: 'update', body: { ...read, status } });
  expect(await transport.json({ method: 'GET', path, what: 'get' })).toMatchObject({ status });
});
