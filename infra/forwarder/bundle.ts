// npm run bundle: the forwarder as a few files without node_modules, for the container image.
import { rmSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

const OUTPUT = 'dist/forwarder';

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

rmSync(OUTPUT, { recursive: true, force: true });
await build({
  entryPoints: ['infra/forwarder/main.ts'],
  outdir: OUTPUT,
  bundle: true,
  // What only some sinks need stays in files of its own, and is loaded for them only.
  splitting: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  outExtension: { '.js': '.mjs' },
  // CommonJS libraries ask for Node's own modules in this way.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  plugins: [withoutUnusedModels],
  logLevel: 'warning',
});
