import { readFileSync } from 'node:fs';

/** What the container image runs, for the bundle in `folder`: read from the Dockerfile, so that it is the same. */
export function imageIn(folder: string): {
  readonly command: readonly string[];
  readonly variables: Record<string, string>;
} {
  const dockerfile = readFileSync('infra/forwarder/Dockerfile', 'utf8');
  const [, command = ''] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
  const [, variables = ''] = /^ENV (.*)$/m.exec(dockerfile) ?? [];
  return {
    command: (JSON.parse(command) as string[]).map((part) => part.replace('/app', folder)),
    variables: Object.fromEntries(variables.split(' ').map((each) => each.split('=') as [string, string])),
  };
}
