import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goBuild } from '../../../infra/local/binaries/go-build.ts';
import { eventually } from '../../eventually.ts';
import { isAlive, pidsIn } from '../alive.ts';

let folder: string;
let cache: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'go-build-'));
  cache = join(folder, 'cache');
  mkdirSync(cache);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A stand-in for Go. $7 is the folder for the built program. */
function go(script: string): Record<string, string> {
  writeFileSync(join(folder, 'go'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}:/bin:/usr/bin`, GOOS: 'plan9', GOWORK: '/somewhere/go.work' };
}
const pathOf = (program: string) => join(cache, program);

describe('A Go build', () => {
  it("is for this machine and from the checked-in modules, even if the user's environment asks for another platform", async () => {
    const variables = go(`echo "[$CGO_ENABLED$GOOS$GOARCH$GOWORK] $* in $PWD" > ${folder}/call; echo it > "$7/server"`);
    const lines: string[] = [];
    await goBuild(variables).fetch(['etcd'], pathOf, (line) => lines.push(line));
    expect(readFileSync(join(folder, 'call'), 'utf8')).toMatch(
      /^\[0off\] build -mod=readonly -trimpath .* go\.etcd\.io\/etcd\/server\/v3 in .*infra\/local\/binaries\/go\/etcd\n$/,
    );
    expect(readdirSync(cache)).toEqual(['etcd']);
    expect(lines[0]).toMatch(/^Building etcd from source: 0 s/);
  });

  it('replaces the complete program of a faster build at once', async () => {
    writeFileSync(pathOf('etcd'), 'theirs');
    const { ino } = statSync(pathOf('etcd'));
    await goBuild(go('echo ours > "$7/server"')).fetch(['etcd'], pathOf, () => {});
    expect(readFileSync(pathOf('etcd'), 'utf8')).toBe('ours\n');
    expect(statSync(pathOf('etcd')).ino).not.toBe(ino);
  });
});

describe.runIf(process.platform === 'linux')('A Go build whose parent is killed', () => {
  it('ends with its compilers, and leaves nothing in the cache', async () => {
    const pids = join(folder, 'pids');
    const variables = go(
      `echo half > "$7/server"; sleep 600 & echo $$ > ${pids}.new; echo $! >> ${pids}.new; mv ${pids}.new ${pids}; wait`,
    );
    const module = new URL('../../../infra/local/binaries/go-build.ts', import.meta.url).href;
    const parent = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { goBuild } from '${module}';
       await goBuild(${JSON.stringify(variables)}).fetch(['etcd'], (program) => '${cache}/' + program, () => process.stdout.write('started'));`,
    ]);
    // Go may write its pids before its parent knows them, and so before the guardian does.
    await once(parent.stdout, 'data');
    const running = await eventually(() => pidsIn(pids));
    expect(readdirSync(cache)).toHaveLength(1);
    parent.kill('SIGKILL');
    await eventually(() => {
      expect(running.map(isAlive)).toEqual([false, false]);
      expect(readdirSync(cache)).toEqual([]);
    });
  });
});
