import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import { connect, type Transport } from '../functions/cluster/transport.ts';
import type { WebsiteKey } from '../functions/website/resource.ts';
import { createNamespace, removeWebsitesIn } from './real-cluster.ts';

/** The real API server, as an administrator and as the functions reach it. */
export interface Accounts {
  readonly admin: Transport;
  readonly functions: Transport;
}

/** Connects both accounts for all tests of a file. */
export function accounts(): Accounts {
  let connected: Accounts | undefined;
  const now = (): Accounts => {
    if (connected === undefined) throw new Error('No test has begun, so no account is connected');
    return connected;
  };
  beforeAll(async () => {
    const [admin, functions] = await Promise.all([
      connect({ kubeconfig: inject('kubeconfig') }),
      connect({ kubeconfig: inject('functionsKubeconfig') }),
    ]);
    connected = { admin, functions };
  });
  afterAll(() => Promise.all([now().admin.close(), now().functions.close()]));
  return {
    get admin() {
      return now().admin;
    },
    get functions() {
      return now().functions;
    },
  };
}

/** The same, with a namespace of its own for the one Website of each test. */
export function oneWebsite(prefix: string): Accounts & { readonly key: WebsiteKey } {
  const both = accounts();
  let key: WebsiteKey = { namespace: '', name: 'shop' };
  beforeEach(async () => {
    key = { ...key, namespace: await createNamespace(both.admin, prefix) };
  });
  afterEach(() => removeWebsitesIn(both.admin, key.namespace));
  return {
    get admin() {
      return both.admin;
    },
    get functions() {
      return both.functions;
    },
    get key() {
      return key;
    },
  };
}
