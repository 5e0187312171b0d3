// npm run build: each program as a few files without node_modules, so that it starts fast and brings nothing unused along.
import { rmSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

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

async function bundle(folder: string, extension: '.js' | '.mjs', entryPoints: readonly string[]): Promise<void> {
  await build({
    entryPoints: [...entryPoints],
    outdir: `dist/${folder}`,
    bundle: true,
    // What only some need stays in files of its own, and is loaded for them only.
    splitting: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    outExtension: { '.js': extension },
    // CommonJS libraries ask for Node's own modules in this way, and @azure/functions for its host.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    // The host of Azure Functions has this one, for a `require` at run time.
    external: ['@azure/functions-core'],
    plugins: [withoutUnusedModels],
    logLevel: 'warning',
  });
}

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  bundle('functions', '.js', ['functions/azure.ts', 'functions/node.ts']),
  // A container image has no package.json to say what they are.
  bundle('forwarder', '.mjs', ['infra/forwarder/main.ts']),
]);
