import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

/** What a program's container image runs, when its files are in `folder`: read from the Dockerfile, so that it is the same. */
export function imageIn(
  program: 'forwarder' | 'functions',
  folder: string,
): { readonly command: readonly string[]; readonly variables: Record<string, string> } {
  const dockerfile = dockerfileOf(program);
  const [, command = ''] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
  const [, variables = ''] = /^ENV (.*)$/m.exec(dockerfile) ?? [];
  return {
    command: (JSON.parse(command) as string[]).map((part) => part.replace('/app', folder)),
    variables: Object.fromEntries(variables.split(' ').map((each) => each.split('=') as [string, string])),
  };
}

/** Copies what the image holds, and nothing else, to a folder. */
export function copyImage(program: 'forwarder' | 'functions', folder: string): void {
  for (const [, path = ''] of dockerfileOf(program).matchAll(/^COPY --from=build \/src\/(\S+) \.$/gm))
    cpSync(path, statSync(path).isDirectory() ? folder : join(folder, basename(path)), { recursive: true });
}

/** Runs the build of a program's image in an empty folder, with the sources that the image has. */
export function buildImage(program: 'forwarder' | 'functions', folder: string): void {
  const dockerfile = dockerfileOf(program);
  for (const [, paths = ''] of dockerfile.matchAll(/^COPY ((?!--).*) \S+$/gm))
    for (const path of paths.split(' ')) cpSync(path, join(folder, path), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const [, args = ''] = /^RUN node (.*)$/m.exec(dockerfile) ?? [];
  execFileSync(process.execPath, args.split(' '), { cwd: folder, stdio: 'pipe' });
}

const dockerfileOf = (program: string): string => readFileSync(`infra/${program}/Dockerfile`, 'utf8');
