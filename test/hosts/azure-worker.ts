// Stands in for the Azure Functions host and its Node worker: it loads the built entry point as the worker does, and turns
// HTTP requests into the invocations that the host would make, through the library's own conversions.
// Only the real host can show what it adds around them: keys, routing, retries and scaling.
import { createServer } from 'node:http';
import { Module } from 'node:module';
import type { AddressInfo } from 'node:net';

interface Metadata {
  readonly name: string;
  readonly bindings: Record<string, unknown>;
}
type Callback = (...args: unknown[]) => unknown;
interface Model {
  getInvocationModel(options: object): {
    getArguments(): Promise<{ context: object; inputs: unknown[] }>;
    invokeFunction(context: object, inputs: unknown[], callback: Callback): Promise<unknown>;
    getResponse(context: object, result: unknown): Promise<{ returnValue?: { http?: HttpResult } | null }>;
  };
}
interface HttpResult {
  readonly statusCode: string;
  readonly headers?: Record<string, string>;
  readonly body?: { readonly bytes?: Uint8Array };
}

const functions = new Map<string, { metadata: Metadata; callback: Callback }>();
const hooks: { name: string; callback: Callback }[] = [];
let model: Model | undefined;

// The worker offers this module through CommonJS only, by patching `require`.
const core = {
  version: '0.0.0',
  hostVersion: '4.0.0',
  registerFunction: (metadata: Metadata, callback: Callback) =>
    void functions.set(metadata.name, { metadata, callback }),
  setProgrammingModel: (given: Model) => void (model = given),
  getProgrammingModel: () => model,
  registerHook: (name: string, callback: Callback) => {
    hooks.push({ name, callback });
    return new core.Disposable();
  },
  log: () => {},
  Disposable: class {
    dispose() {}
  },
};
// oxlint-disable-next-line typescript/unbound-method -- it is called on whatever module asks
const originalRequire = Module.prototype.require;
Module.prototype.require = Object.assign(function patched(this: unknown, id: string): unknown {
  return id === '@azure/functions-core' ? core : originalRequire.call(this as NodeJS.Module, id);
}, originalRequire) as NodeJS.Require;

await import(new URL('../../dist/functions/azure.js', import.meta.url).href);

const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function invoke(name: string, trigger: string, data: object): Promise<HttpResult | undefined> {
  const found = functions.get(name);
  if (found === undefined || model === undefined) throw new Error(`There is no function ${name}`);
  const invocation = model.getInvocationModel({
    invocationId: crypto.randomUUID(),
    metadata: found.metadata,
    request: {
      invocationId: crypto.randomUUID(),
      inputData: [{ name: trigger, data }],
      triggerMetadata: {},
      traceContext: null,
      retryContext: null,
    },
    log: (level: string, _category: string, message: string) => print({ msg: 'log', level, message }),
  });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, found.callback);
  const response = await invocation.getResponse(context, result);
  return response.returnValue?.http;
}

function triggerOf(name: string): string {
  const bindings = Object.entries(functions.get(name)?.metadata.bindings ?? {});
  return bindings.find(([, binding]) => (binding as { type: string }).type.endsWith('Trigger'))?.[0] ?? '';
}

const server = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (request.url === '/registered') {
      const registered = [...functions.values()].map(({ metadata }) => metadata);
      response.end(JSON.stringify({ functions: registered, hooks: hooks.map(({ name }) => name) }));
      return;
    }
    if (request.url === '/resync') {
      const timer = { IsPastDue: true, Schedule: { AdjustForDST: true }, ScheduleStatus: null };
      await invoke('resync-websites', triggerOf('resync-websites'), { json: JSON.stringify(timer) });
      response.writeHead(204).end();
      return;
    }
    const body = Buffer.concat(chunks);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([key, value]) => [key, [value].flat().join(', ')]),
    );
    const http = {
      method: request.method,
      url: `http://localhost${request.url}`,
      headers,
      body: { bytes: body },
      query: {},
      params: {},
      nullableHeaders: {},
    };
    const result = await invoke('reconcile-website', triggerOf('reconcile-website'), { http });
    response.writeHead(Number(result?.statusCode), result?.headers).end(result?.body?.bytes);
  })().catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(0, '127.0.0.1', () => {
  print({ msg: 'Listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
});
process.once('SIGTERM', () => {
  void Promise.all(hooks.filter(({ name }) => name === 'appTerminate').map(({ callback }) => callback({}))).then(() =>
    process.exit(0),
  );
});
