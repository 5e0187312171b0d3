// npm run build: bundles each program into a few files without node_modules, so that it starts fast and contains no unused code.
// With the names of programs as arguments, it builds these alone.
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * We use only the kubeconfig code of the Kubernetes client. Its entry point also initializes all generated models. The build fails if
 * we import anything else.
 */
const onlyKubeconfig: Plugin = {
  name: 'only-kubeconfig',
  setup(building) {
    building.onResolve({ filter: /^@kubernetes\/client-node$/ }, async ({ path, pluginData, ...how }) => {
      if (pluginData === 'resolving') return undefined;
      const { path: entry, errors } = await building.resolve(path, { ...how, pluginData: 'resolving' });
      return errors.length > 0 ? { errors } : { path: join(dirname(entry), 'config.js') };
    });
  },
};

/**
 * Replaces static imports of `node:http` by `require`, so that Node does not load its own copy of undici at start. An import
 * evaluates every export, and reading the export `WebSocket` loads that copy. Dynamic imports stay as they are.
 */
const withoutSecondUndici: Plugin = {
  name: 'without-second-undici',
  setup(building) {
    building.onResolve({ filter: /^(node:)?http$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'required' } : { path, external: true },
    );
    building.onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }));
  },
};

/**
 * Replaces static imports of all Node's modules by `require`. Node resolves imports before any code runs, and ends with a
 * SyntaxError if an export is missing. So an import would come before our check of the version.
 */
const withoutStaticImports: Plugin = {
  name: 'without-static-imports',
  setup(building) {
    const builtIn = new RegExp(`^(node:)?(${builtinModules.join('|')})$`);
    building.onResolve({ filter: builtIn }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'required' } : { path, external: true },
    );
  },
};

/**
 * The part of undici that we use. Its own entry point also initializes fetch, WebSockets, caches and mocks. The build fails if an
 * export is missing here.
 */
const UNDICI = `
  import api from 'undici/lib/api/index.js';
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  Object.assign(Dispatcher.prototype, api);
  export { default as Agent } from 'undici/lib/dispatcher/agent.js';
  export { default as buildConnector } from 'undici/lib/core/connect.js';
  // Only the Kubernetes client imports these: for requests, which we send ourselves, and for proxies, which we refuse.
  export const [ProxyAgent, fetch] = [undefined, globalThis.fetch];
`;

const withoutUnusedUndici: Plugin = {
  name: 'without-unused-undici',
  setup(building) {
    building.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'part-of',
      pluginData: resolveDir,
    }));
    building.onLoad({ filter: /./, namespace: 'part-of' }, ({ pluginData }) => ({
      contents: UNDICI,
      resolveDir: String(pluginData),
    }));
  },
};

/** What libraries import and do not need for what we use of them. */
const UNUSED: readonly { readonly by: string; readonly imports: RegExp }[] = [
  // We turn HTTP/2 off, and send bodies of text alone.
  { by: '/undici/lib/', imports: /\/(client-h2\.js|web\/fetch\/(body\.js|formdata)|web\/webidl)$/ },
  // Parts of the SDK that we do not use: Kafka, MQTT, its own transport and large numbers. We only write events as HTTP messages.
  { by: '/cloudevents/dist/', imports: /^(\.\/(kafka|mqtt|transport\/(http|emitter))|json-bigint)$/ },
  // We send the requests ourselves, and refuse a kubeconfig with a proxy.
  {
    by: '/@kubernetes/client-node/',
    imports: /^(\.\/gen\/index\.js|\.\/middleware\.js|socks|socks-proxy-agent|hpagent)$/,
  },
];

/** Replaces them by empty modules. */
const withoutUnusedParts: Plugin = {
  name: 'without-unused-parts',
  setup(building) {
    building.onResolve({ filter: /./ }, ({ path, importer }) =>
      UNUSED.some(({ by, imports }) => importer.includes(by) && imports.test(path))
        ? { path, namespace: 'unused' }
        : undefined,
    );
    building.onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }));
  },
};

/** This leaves out undici's second parser of HTTP, which is experimental. */
const DEFINED = { esbuildDetection: 'true' };

/**
 * CommonJS libraries call `require` for Node's modules. @azure/functions calls it for its host, which exists only at run time.
 * zod compiles code for each schema at its first use. That delays a start, and makes a later check only a tenth faster.
 */
const BANNER =
  "import{createRequire}from'node:module';const require=createRequire(import.meta.url);globalThis.__zod_globalConfig??={jitless:true};";

/** The version of Node that package.json asks for. */
const [, NEEDED = ''] = /"node": ">=([\d.]+)"/.exec(readFileSync('package.json', 'utf8')) ?? [];
const [MAJOR = '', MINOR = '0'] = NEEDED.split('.');

/**
 * Users run the programs on a Node of their own. An older one would fail at what it lacks, in the middle of the work. The syntax is old
 * on purpose.
 * @param who such as `website needs`. @param end what to do with the message `t`.
 */
const checkOfNode = (who: string, end: string): string =>
  `{const v=process.versions.node,[a,b]=v.split('.').map(Number);if(a<${MAJOR}||a===${MAJOR}&&b<${MINOR}){const t='Node '+v+' is too old: ${who} Node ${NEEDED} or newer.';${end}}}`;
const EXIT = "process.stderr.write(t+'\\n');process.exit(2)";

/** By entry point. The host of Azure reports what an entry point throws. */
const CHECKS: ReadonlyMap<string, string> = new Map([
  ['functions/node.ts', checkOfNode('the functions need', EXIT)],
  ['functions/azure.ts', checkOfNode('the functions need', 'throw new Error(t)')],
  ['infra/forwarder/main.ts', checkOfNode('the forwarder needs', EXIT)],
]);

/** Begins the code of an entry point with its check. It runs after the static imports, and adds neither a file nor a line. */
const checkingNode: Plugin = {
  name: 'checking-node',
  setup(building) {
    building.onLoad({ filter: /\/(node|azure|main)\.ts$/ }, ({ path }) => {
      const check = CHECKS.get(relative(process.cwd(), path));
      return check === undefined ? undefined : { contents: check + readFileSync(path, 'utf8'), loader: 'ts' };
    });
  },
};

const PLUGINS = [withoutUnusedParts, onlyKubeconfig, withoutSecondUndici, withoutUnusedUndici, checkingNode];

const common: BuildOptions = {
  bundle: true,
  // Code behind a dynamic import gets its own file, so that it is loaded only when needed.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  banner: { js: BANNER },
  external: ['@azure/functions-core'],
  define: DEFINED,
  plugins: PLUGINS,
  logLevel: 'warning',
};

/** Each program, with its folder in `dist`. */
const PROGRAMS: Readonly<Record<string, BuildOptions>> = {
  functions: {
    entryPoints: ['functions/azure.ts', 'functions/node.ts'],
    // Node keeps the source text in memory: minifying saves 3 MiB. Functions keep their names in stack traces.
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
  },
  forwarder: {
    entryPoints: ['infra/forwarder/main.ts'],
    // The image has no package.json to mark .js files as ES modules.
    outExtension: { '.js': '.mjs' },
    // As above: this saves 5 MiB.
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
  },
  // One file that people can copy, and link as kubectl-website.
  cli: {
    entryPoints: { website: 'infra/cli/main.ts' },
    outExtension: { '.js': '.mjs' },
    splitting: false,
    // Reading the text is a part of each start.
    minify: true,
    keepNames: true,
    banner: { js: `${checkOfNode('website needs', EXIT)}${BANNER}` },
    plugins: [withoutStaticImports, ...PLUGINS],
    // The generator of the CRD is part of it, and must not run.
    define: { ...DEFINED, 'import.meta.main': 'false' },
  },
};

// An image has the sources of its own program only.
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(PROGRAMS, name));
if (unknown.length > 0) {
  process.stderr.write(`Unknown program ${unknown.join(', ')}: choose from ${Object.keys(PROGRAMS).join(', ')}\n`);
  process.exit(2);
}
await Promise.all(
  Object.entries(PROGRAMS)
    .filter(([name]) => wanted.length === 0 || wanted.includes(name))
    .map(async ([name, options]) => {
      rmSync(`dist/${name}`, { recursive: true, force: true });
      await build({ ...common, ...options, outdir: `dist/${name}` });
    }),
);
if (wanted.length === 0 || wanted.includes('cli')) chmodSync('dist/cli/website.mjs', 0o755);
