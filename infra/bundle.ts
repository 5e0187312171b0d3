// npm run build: bundles each program into a few files without node_modules, so that it starts fast and contains no unused code.
// With the names of programs as arguments, it builds these alone.
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * We use only the kubeconfig code of the Kubernetes client. Its package.json does not declare `sideEffects: false`, so esbuild
 * would keep all generated models, and each start would initialize them.
 */
const withoutUnusedModels: Plugin = {
  name: 'without-unused-models',
  setup(building) {
    building.onResolve(
      { filter: /^@kubernetes\/client-node$/ },
      async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === 'resolving') return undefined;
        const resolved = await building.resolve(path, { importer, kind, resolveDir, pluginData: 'resolving' });
        return { ...resolved, sideEffects: false };
      },
    );
    // The package imports its own files by their full names. Asking esbuild to resolve each takes longer than the rest of the build.
    building.onResolve({ filter: /^\..*\.js$/ }, ({ path, importer, resolveDir }) =>
      importer.includes('/@kubernetes/client-node/') ? { path: join(resolveDir, path), sideEffects: false } : undefined,
    );
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
 * The part of undici that we and the Kubernetes client use. Its own entry point also initializes fetch, WebSockets, caches and
 * mocks. The build fails if an export is missing here.
 */
const UNDICI = `
  import api from 'undici/lib/api/index.js';
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  Object.assign(Dispatcher.prototype, api);
  export { default as Agent } from 'undici/lib/dispatcher/agent.js';
  export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
  export { default as buildConnector } from 'undici/lib/core/connect.js';
  // Only modules that esbuild removes from the bundle import this.
  export const fetch = globalThis.fetch;
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

const common: BuildOptions = {
  bundle: true,
  // Code behind a dynamic import gets its own file, so that it is loaded only when needed.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // CommonJS libraries call `require` for Node's modules. @azure/functions calls it for its host, which exists only at run time.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  external: ['@azure/functions-core'],
  plugins: [withoutUnusedModels, withoutSecondUndici, withoutUnusedUndici],
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
    // The generator of the CRD is part of it, and must not run.
    define: { 'import.meta.main': 'false' },
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
