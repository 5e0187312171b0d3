import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { handle, type Target } from './exchange.ts';
import { faultBy, type Asked, type Fault, type Rule } from './fault.ts';

export type { Fault } from './fault.ts';

/** A proxy in front of a server, which injects the faults that a test asks for. */
export interface Proxy {
  readonly url: string;
  /** Every request that came, `GET /path?query`, but those that only open a connection. */
  readonly requests: string[];
  /** How many requests came that only open a connection. */
  readonly opened: () => number;
  /** Applies from the next request on; the first rule that matches counts. */
  add(rule: Rule): void;
  /** Chooses a fault for each request that no rule is for. */
  misbehave(choose: (asked: Asked) => Fault | undefined): void;
  /** No more faults: rules go, and connections that one of them is at work on. */
  heal(): void;
  /** Breaks all connections that are open now. */
  cutAll(): void;
  close(): Promise<void>;
}

export interface FaultProxy extends Proxy {
  /** Kubeconfig that leads through the proxy, with the rights of the one it stands before. */
  readonly kubeconfig: string;
  /** Stands before another API server from the next request on. */
  moveTo(kubeconfig: string): Promise<void>;
}

/** A proxy in front of the API server of a kubeconfig, which injects the faults that a test asks for. */
export async function faultProxy(kubeconfig: string): Promise<FaultProxy> {
  const target = { now: await apiServerOf(kubeconfig) };
  const proxy = await proxyBefore(() => target.now);
  const own = writeKubeconfig(proxy.url);
  return {
    ...proxy,
    kubeconfig: own,
    moveTo: async (other) => void (target.now = await apiServerOf(other)),
    async close() {
      rmSync(dirname(own), { recursive: true });
      await proxy.close();
    },
  };
}

/** A proxy in front of a plain http server, which injects the faults that a test asks for. */
export const sinkProxy = (url: string): Promise<Proxy> => proxyBefore(() => ({ url: new URL(url), credentials: {} }));

async function proxyBefore(target: () => Target): Promise<Proxy> {
  let rules: Rule[] = [];
  let choose: (asked: Asked) => Fault | undefined = () => undefined;
  const requests: string[] = [];
  let opened = 0;
  const memory = new Map<string, Buffer>();
  const faulty = new Set<{ destroy(): void }>();

  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/version') opened++;
    else requests.push(`${incoming.method} ${incoming.url}`);
    const fault = faultBy(rules, incoming) ?? choose(incoming);
    if (fault !== undefined) faulty.add(outgoing);
    outgoing.once('close', () => faulty.delete(outgoing));
    handle(fault, { incoming, outgoing, target: target(), memory });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    opened: () => opened,
    add: (rule) => void rules.push(rule),
    misbehave: (chooser) => void (choose = chooser),
    heal() {
      [rules, choose] = [[], () => undefined];
      for (const each of faulty) each.destroy();
    },
    cutAll: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function apiServerOf(kubeconfig: string): Promise<Target> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const credentials: RequestOptions = {};
  await config.applyToHTTPSOptions(credentials);
  return { url: new URL(config.getCurrentCluster()?.server ?? ''), credentials };
}

/** Plain http is for loopback, which is all that a test has. */
function writeKubeconfig(server: string): string {
  const name = 'proxy';
  const path = join(mkdtempSync(join(tmpdir(), 'fault-proxy-')), 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token: 'the-proxy-has-its-own' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
