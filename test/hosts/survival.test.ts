// A failure in the background or in one request ends neither the process nor its other work.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { connect } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { APART, freePort } from '../free-port.ts';
import { startForwarder, startFunctions, startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

const KUBECONFIG = 'test/fixtures/unreachable.kubeconfig';
const WORKER = 'test/hosts/azure-worker.ts';
const IGNORED = { id: '1', specversion: '1.0', source: '/x', type: 'of no interest' };
const DELETED = {
  ...IGNORED,
  type: 'com.example.stable.website.deleted',
  data: {
    apiVersion: 'stable.example.com/v1',
    kind: 'Website',
    namespace: 'a',
    name: 'b',
    uid: 'x',
    reason: 'deleted',
  },
};

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of close.splice(0)) await each();
});

const programs: [string, (variables: Record<string, string>) => Program][] = [
  ['the Node host', (variables) => startFunctions({ KUBECONFIG, ...variables })],
  ['the Azure host', (variables) => startProgram(WORKER, [], { KUBECONFIG, ...variables })],
  [
    'the forwarder',
    (variables) =>
      startForwarder(['--host=127.0.0.1', '--port=0'], { SINK: 'http://127.0.0.1:9/', KUBECONFIG, ...variables }),
  ],
];
const hosts = programs.slice(0, 2);

/** Makes a program run this source first. */
const before = (source: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}`,
});
const urlOf = async (program: Program): Promise<string> => String((await program.line('Listening'))['url']);
const send = async (url: string, event: object = IGNORED): Promise<number> => {
  const headers = { 'content-type': 'application/cloudevents+json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })).status;
};

it.each(programs)('An unhandled rejection is reported and does not end %s', async (_, start) => {
  const program = start(before('setInterval(() => { Promise.reject(new Error("on purpose")); }, 20)'));
  await urlOf(program);
  await eventually(() => {
    const said = [...program.text, ...program.stderr].join('\n');
    expect(said.match(/A task failed without a handler/g)?.length).toBeGreaterThan(2);
    expect(said).toContain('on purpose');
  });
  expect(await program.stop()).toBe(0);
});

it('A resync that always fails does not end the Node host', async () => {
  const program = startFunctions({ KUBECONFIG, RESYNC_INTERVAL_SECONDS: '1' });
  const url = await urlOf(program);
  await eventually(() =>
    expect(program.lines.filter(({ msg }) => msg === 'Could not resync Websites').length).toBeGreaterThan(2),
  );
  expect(await send(url)).toBe(204);
  expect(await program.stop()).toBe(0);
});

it('An answer that cannot be written leads to a 500, and only that request fails', async () => {
  const program = startFunctions({
    KUBECONFIG,
    ...before(`
      import http from 'node:http';
      const { writeHead } = http.ServerResponse.prototype;
      let isBroken = true;
      http.ServerResponse.prototype.writeHead = function (status, headers) {
        if (isBroken && headers['website-outcome']) { isBroken = false; throw new TypeError('on purpose'); }
        return writeHead.apply(this, arguments);
      };`),
  });
  const url = await urlOf(program);
  expect([await send(url), await send(url)]).toEqual([500, 204]);
  expect(await program.line('Could not answer request')).toMatchObject({ err: { message: 'on purpose' } });
  expect(await program.stop()).toBe(0);
});

describe('The Node host keeps running if its log cannot be written because of', () => {
  const start = (stdout: number | 'pipe') => {
    const variables = { HOST: APART, PORT: String(port), ALLOW_ANONYMOUS: '1', KUBECONFIG, LOG_LEVEL: 'trace' };
    const child = spawn(process.execPath, ['dist/functions/node.js'], {
      env: variables,
      stdio: ['ignore', stdout, 'ignore'],
    });
    close.push(() => child.kill('SIGKILL'));
    return child;
  };
  let port: number;
  beforeEach(async () => void (port = await freePort()));
  const answers = async () => {
    for (let count = 0; count < 5; count++)
      await eventually(async () => expect(await send(`http://${APART}:${port}/`)).toBe(204));
  };

  it('a full disk', async () => {
    const child = start(openSync('/dev/full', 'w'));
    await answers();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('a reader that is gone', async () => {
    const child = start('pipe');
    child.stdout?.destroy();
    await answers();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('A collector', () => {
  let server: Server;
  let collector: string;
  const listen = async (answer: string | undefined) => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      if (answer !== undefined) socket.on('data', () => socket.end(answer));
      close.push(() => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close.push(() => server.close());
    collector = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it.each(hosts)('that answers garbage or disappears does not end %s', async (_, start) => {
    await listen('HTTP/1.1 nonsense\r\n\r\n');
    const program = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_METRIC_EXPORT_INTERVAL: '20' });
    const url = await urlOf(program);
    const asked = once(server, 'connection');
    // The outcome of the event is counted, so there is a metric to send.
    expect(await send(url, DELETED)).toBe(204);
    await asked;
    for (const each of close.splice(0)) await each();
    expect(await send(url)).toBe(204);
    expect(await program.stop()).toBe(0);
  });

  it.each([
    ['the Node host', (variables: Record<string, string>) => startFunctions(variables)],
    ['the Azure host', (variables: Record<string, string>) => startProgram(WORKER, [], variables)],
  ])('that never answers does not delay the end of %s without limit', async (_, start) => {
    await listen(undefined);
    const program = start({
      KUBECONFIG: inject('functionsKubeconfig'),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
      OTEL_METRIC_EXPORT_INTERVAL: '3600000',
    });
    // The resync is counted, so there is a metric to send.
    await fetch(new URL('resync', await urlOf(program)), { method: 'POST' });
    expect(await program.stop()).toBe(0);
    expect([...program.text, ...program.stderr].join('\n')).toContain('Could not send the last metrics');
  });

  it('that never answers does not delay the end of the forwarder without limit', async () => {
    await listen(undefined);
    const admin = await connect({ kubeconfig: inject('kubeconfig') });
    const namespace = await createNamespace(admin, 'ending');
    await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
    const sink = startFunctions({ KUBECONFIG: inject('functionsKubeconfig') });
    close.push(
      () => sink.stop(),
      () => removeWebsitesIn(admin, namespace),
      () => admin.close(),
    );
    const program = startForwarder(['--host=127.0.0.1', '--port=0', `--namespaces=${namespace}`], {
      SINK: await urlOf(sink),
      KUBECONFIG: inject('forwarderKubeconfig'),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    });
    await program.line('Delivered event');
    expect(await program.stop()).toBe(0);
    expect(program.text.join('\n')).toContain('Could not send the last traces');
  });
});
