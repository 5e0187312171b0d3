// Stands in for the Azure Functions host and its Node worker: it loads a built entry point as the worker does, and invokes what
// it registers with typed data as the host sends it, through the library's own conversions.
// Only the real host can show what it adds around them: keys, routing, retries and scaling.
// Arguments: the entry point, dist/functions/azure.js without one.
import { createServer, type IncomingMessage } from 'node:http';
import { Module } from 'node:module';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

interface Metadata {
  readonly name: string;
  readonly bindings: Record<string, { readonly type: string; readonly direction: string }>;
}
type Callback = (...args: unknown[]) => unknown;
interface Model {
  getCapabilities(capabilities: object): Promise<object>;
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

/** What came of an invocation, as the worker tells the host. */
export interface Invoked {
  /** Absent when the function succeeded. */
  readonly error?: string;
  readonly logs: readonly { readonly level: string; readonly message: string }[];
}

const functions = new Map<string, { metadata: Metadata; callback: Callback }>();
const hooks: { name: string; callback: Callback }[] = [];
let model: Model | undefined;
let isStarted = false;

// The worker offers this module through CommonJS only, by patching `require`.
const core = {
  version: '0.0.0',
  hostVersion: '4.0.0',
  registerFunction(metadata: Metadata, callback: Callback) {
    if (isStarted) throw new Error('A function can only be registered during app startup.');
    functions.set(metadata.name, { metadata, callback });
  },
  setProgrammingModel: (given: Model) => void (model = given),
  getProgrammingModel: () => model,
  registerHook(name: string, callback: Callback) {
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

const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const runHooks = (name: string) =>
  Promise.all(hooks.filter((hook) => hook.name === name).map((hook) => hook.callback({})));

process.once('SIGTERM', () => {
  void runHooks('appTerminate').then(() => process.exit(0));
  print({ msg: 'Stopping' });
});
await import(resolve(process.argv[2] ?? 'dist/functions/azure.js'));
await runHooks('appStart');
isStarted = true;
await model?.getCapabilities({});
print({
  msg: 'Registered',
  functions: [...functions.values()].map(({ metadata }) => metadata),
  hooks: hooks.map(({ name }) => name),
});

/** @throws what the function throws. */
async function invoke(
  name: string,
  { data, triggerMetadata = {} }: { data: object; triggerMetadata?: object },
  logs: Invoked['logs'][number][] = [],
): Promise<HttpResult | undefined> {
  const found = functions.get(name);
  if (found === undefined || model === undefined) throw new Error(`There is no function ${name}`);
  const { metadata, callback } = found;
  const [trigger] = Object.entries(metadata.bindings).find(([, { type }]) => type.endsWith('Trigger')) ?? [];
  const invocation = model.getInvocationModel({
    invocationId: crypto.randomUUID(),
    metadata,
    request: {
      invocationId: crypto.randomUUID(),
      inputData: [{ name: trigger, data }],
      triggerMetadata,
      traceContext: { traceParent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
      retryContext: null,
    },
    log(level: string, _category: string, message: string) {
      logs.push({ level, message });
      print({ msg: 'log', level, message });
    },
  });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, callback);
  const response = await invocation.getResponse(context, result);
  return response.returnValue?.http;
}

async function invoked(name: string, request: Parameters<typeof invoke>[1]): Promise<Invoked> {
  const logs: Invoked['logs'][number][] = [];
  try {
    await invoke(name, request, logs);
    return { logs };
  } catch (error) {
    return { error: String(error), logs };
  }
}

/** How the host hands on an HTTP request. */
function typedRequest({ method, url, headers }: IncomingMessage, body: Buffer): object {
  const given = Object.entries(headers).map(([key, value]) => [key, { value: [value].flat().join(', ') }] as const);
  const http = {
    method,
    url: `http://localhost${url}`,
    // What has no Content-Length loses its body.
    ...(Number(headers['content-length'] ?? 0) > 0 ? { body: { bytes: body } } : {}),
    nullableHeaders: Object.fromEntries(given),
    nullableQuery: {},
    nullableParams: {},
  };
  return { data: { http } };
}

const functionAt = ({ url = '' }: IncomingMessage): string =>
  url.split('?', 1)[0] === '/history' ? 'listHistory' : 'reconcileWebsite';

// POST /invoke/NAME runs a function with the typed data of the body; POST /resync is a tick of the timer; /history is for the
// function that lists the history, and the rest for the one that takes events.
const server = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const [, name] = /^\/invoke\/(\w+)$/.exec(request.url ?? '') ?? [];
    if (name !== undefined) {
      response.end(JSON.stringify(await invoked(name, JSON.parse(body.toString()) as { data: object })));
      return;
    }
    if (request.url === '/resync') {
      await invoke('resyncWebsites', { data: { json: JSON.stringify({ IsPastDue: false, ScheduleStatus: null }) } });
      response.writeHead(204).end();
      return;
    }
    const result = await invoke(functionAt(request), typedRequest(request, body) as { data: object });
    response.writeHead(Number(result?.statusCode), result?.headers).end(result?.body?.bytes);
  })().catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(0, '127.0.0.1', () => {
  print({ msg: 'Listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
});
