import { startProgram, type Program } from '../program.ts';

/** Where the programs are is for the run to say; the control plane of the tests has found them already. */
export const found = Object.fromEntries(
  ['KUBEBUILDER_ASSETS', 'XDG_CACHE_HOME', 'HOME', 'GOPATH', 'GOCACHE', 'GOFLAGS', 'GOPROXY', 'GOGC'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  ),
) as Record<string, string>;

export const npmStart = (args: readonly string[]): Program => startProgram('infra/local/start.ts', args, found);
