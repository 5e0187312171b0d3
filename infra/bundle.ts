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
  plugins: [withoutUnusedModels],
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
