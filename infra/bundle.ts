// npm run build: each program as a few files without node_modules, so that it starts fast and brings nothing unused along.
import { rmSync } from 'node:fs';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * The Kubernetes client does not say that its modules only declare things, so all of its generated models would come along,
 * and be set up at each start. We use its reading of kubeconfigs and nothing else of it.
 */
const withoutUnusedModels: Plugin = {
  name: 'without-unused-models',
  setup(building) {
    building.onResolve(
      { filter: /^(@kubernetes\/client-node$|\.)/ },
      async ({ path, importer, kind, resolveDir, pluginData }) => {
        const isOurs = path.startsWith('.') && !importer.includes('/@kubernetes/client-node/');
        if (pluginData === 'resolving' || isOurs) return undefined;
        const resolved = await building.resolve(path, { importer, kind, resolveDir, pluginData: 'resolving' });
        return { ...resolved, sideEffects: false };
      },
    );
  },
};

/**
 * To import `node:http` is to read all that it exports, and its WebSocket loads Node's own copy of undici, which takes longer than
 * all the rest. To require it is not. One that imports it only when it is needed is left as it is.
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
 * undici's entry point sets up its fetch, WebSockets, caches and mocks too. This is the part of it that we and the Kubernetes client
 * use; a part that is missed is an error of the build.
 */
const UNDICI = `
  import api from 'undici/lib/api/index.js';
  import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
  Object.assign(Dispatcher.prototype, api);
  export { default as Agent } from 'undici/lib/dispatcher/agent.js';
  export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
  export { default as buildConnector } from 'undici/lib/core/connect.js';
  // Of modules that are left out in the end.
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
  // What only some need stays in files of its own, and is loaded for them only.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // CommonJS libraries ask for Node's own modules in this way, and @azure/functions for its host, which is there at run time.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  external: ['@azure/functions-core'],
  plugins: [withoutUnusedModels, withoutSecondUndici, withoutUnusedUndici],
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  // Not minified: it starts no faster, and an error's stack can be read.
  build({ ...common, entryPoints: ['functions/azure.ts', 'functions/node.ts'], outdir: 'dist/functions' }),
  build({
    ...common,
    entryPoints: ['infra/forwarder/main.ts'],
    outdir: 'dist/forwarder',
    // Its image has no package.json to say what the files are.
    outExtension: { '.js': '.mjs' },
    // The text of the source stays in memory: minified, it is 5 MiB less.
    minify: true,
    keepNames: true,
  }),
]);
