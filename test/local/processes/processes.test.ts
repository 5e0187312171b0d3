import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Processes, type ProgramEndedError } from '../../../infra/local/processes/processes.ts';
import { eventually } from '../../eventually.ts';
import { isAlive, pidsIn } from '../alive.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'processes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes its pids and waits. Its child ends only if the whole process group is ended. */
const STUBBORN = `#!/bin/sh
trap '' TERM
sleep 600 &
echo $$ > "$1.new"; echo $! >> "$1.new"; mv "$1.new" "$1"
wait
`;

describe.runIf(process.platform === 'linux')('The programs of a parent that is killed', () => {
  it('end with their own children, and their temporary folder is deleted', async () => {
    const temporary = join(folder, 'temporary');
    mkdirSync(temporary);
    const [program, pids] = [join(folder, 'program'), join(folder, 'pids')];
    writeFileSync(program, STUBBORN, { mode: 0o755 });
    const parent = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { Processes } from '${new URL('../../../infra/local/processes/processes.ts', import.meta.url).href}';
       const processes = new Processes('${folder}');
       processes.removeAtEnd('${temporary}');
       processes.start('program', '${program}', ['${pids}']);
       process.stdout.write('started');
       setInterval(() => {}, 1000);`,
    ]);
    // The program may write its pids before its parent knows them, and so before the guardian does.
    await once(parent.stdout, 'data');
    const running = await eventually(() => pidsIn(pids));
    expect(running.map(isAlive)).toEqual([true, true]);
    parent.kill('SIGKILL');
    await eventually(() => {
      expect(running.map(isAlive)).toEqual([false, false]);
      expect(existsSync(temporary)).toBe(false);
    });
  });
});

describe('A program', () => {
  it('that ends unexpectedly is reported with the end of its log', async () => {
    const processes = new Processes(folder);
    processes.start('etcd', '/bin/sh', ['-c', 'echo one >&2; echo the disk is full >&2; exit 3']);
    await expect(processes.failure).rejects.toThrow(
      /^etcd ended unexpectedly \(exit code 3\):\none\nthe disk is full$/,
    );
    await processes.stop();
  });

  it('that may be started again is started as often as allowed, with one log and its latest pid', async () => {
    const starts = join(folder, 'starts');
    const reasons: string[] = [];
    const script = `echo x >> ${starts}; count=$(wc -l < ${starts}); [ $count = 3 ] && exec sleep 600; echo "crash $count"; exit 2`;
    const processes = new Processes(folder);
    processes.start('kwok', '/bin/sh', ['-c', script], { restarts: 2, onRestart: (how) => reasons.push(how) });
    const first = processes.pids.get('kwok');
    await eventually(() => expect(readFileSync(starts, 'utf8')).toBe('x\nx\nx\n'));
    const last = processes.pids.get('kwok') ?? 0;
    expect([last === first, isAlive(last)]).toEqual([false, true]);
    expect(readFileSync(processes.logOf('kwok'), 'utf8')).toBe('crash 1\ncrash 2\n');
    process.kill(last, 'SIGKILL');
    await expect(processes.failure).rejects.toThrow('kwok ended unexpectedly (SIGKILL):\ncrash 1\ncrash 2');
    expect(reasons).toEqual(['exit code 2', 'exit code 2']);
    await processes.stop();
  });

  it('that cannot be started again is reported', async () => {
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    const processes = new Processes(logs);
    processes.start('kwok', '/bin/sh', ['-c', `rm -r ${logs}`], { restarts: 5 });
    await expect(processes.failure).rejects.toThrow('ENOENT');
    await processes.stop();
  });

  it('that may be started again is not, once it is stopped', async () => {
    const starts = join(folder, 'starts');
    const processes = new Processes(folder);
    processes.start('kwok', '/bin/sh', ['-c', `echo x >> ${starts}; exec sleep 600`], { restarts: 5 });
    await eventually(() => expect(readFileSync(starts, 'utf8')).toBe('x\n'));
    await processes.stop();
    expect(readFileSync(starts, 'utf8')).toBe('x\n');
    expect(isAlive(processes.pids.get('kwok') ?? 0)).toBe(false);
  });

  it('has both of its outputs in its log, and its lines of stdout are also passed on', async () => {
    const processes = new Processes(folder);
    const lines: string[] = [];
    const onLine = (line: string) => lines.push(line);
    processes.start('functions', '/bin/sh', ['-c', 'echo out; echo err >&2; printf last; exit 1'], { onLine });
    await expect(processes.failure).rejects.toThrow(/^functions ended unexpectedly \(exit code 1\):\n/);
    expect(readFileSync(processes.logOf('functions'), 'utf8').trim().split('\n').toSorted()).toEqual([
      'err',
      'last',
      'out',
    ]);
    expect(lines).toEqual(['out', 'last']);
    await processes.stop();
  });

  it('that ended unexpectedly leaves only the logs', async () => {
    const temporary = join(folder, 'temporary');
    mkdirSync(join(temporary, 'logs'), { recursive: true });
    mkdirSync(join(temporary, 'pki'));
    const processes = new Processes(join(temporary, 'logs'));
    processes.removeAtEnd(temporary);
    processes.start('etcd', '/bin/sh', ['-c', 'echo why; exit 1']);
    const { logs } = await processes.failure.catch((error: ProgramEndedError) => error);
    await processes.stop();
    expect(readdirSync(temporary)).toEqual(['logs']);
    expect(readFileSync(join(logs, 'etcd.log'), 'utf8')).toBe('why\n');
  });

  it('whose log was deleted is reported when it ends', async () => {
    const processes = new Processes(folder);
    processes.start('etcd', '/bin/sh', ['-c', `rm '${processes.logOf('etcd')}'; exit 3`]);
    await expect(processes.failure).rejects.toThrow(
      /^etcd ended unexpectedly \(exit code 3\):\nIts log cannot be read: ENOENT/,
    );
    await processes.stop();
  });

  it('that logs very much keeps its latest lines in two files of limited size', async () => {
    const processes = new Processes(folder, { largestLog: 10_000, checkMs: 1 });
    const programs = ['etcd', 'functions'];
    const script = `
      i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; echo error $i >&2; done
      : > "$0.written"; until [ -e "$0.go" ]; do sleep 0.05; done
      echo last; exec sleep 600`;
    for (const name of programs)
      processes.start(name, '/bin/sh', ['-c', script, join(folder, name)], name === 'etcd' ? {} : { onLine: () => {} });
    for (const log of programs.map(processes.logOf)) {
      const program = log.replace('.log', '');
      await eventually(() => {
        expect(existsSync(`${program}.written`)).toBe(true);
        expect(statSync(log).size).toBeLessThanOrEqual(10_000);
      });
      writeFileSync(`${program}.go`, '');
      await eventually(() => {
        const text = readFileSync(`${log}.1`, 'utf8') + readFileSync(log, 'utf8');
        expect(text).toMatch(/^line \d+$/m);
        expect(text).toMatch(/^last$/m);
        expect(text).not.toContain('\0');
      });
    }
    await processes.stop();
  });

  it('that starts again begins with an empty log', async () => {
    writeFileSync(join(folder, 'etcd.log'), 'old');
    writeFileSync(join(folder, 'etcd.log.1'), 'older');
    const processes = new Processes(folder);
    processes.start('etcd', '/bin/sh', ['-c', 'exec sleep 600']);
    await processes.stop();
    expect(readdirSync(folder)).toEqual(['etcd.log']);
    expect(readFileSync(processes.logOf('etcd'), 'utf8')).toBe('');
  });

  it('that cannot be started is reported by name', async () => {
    const processes = new Processes(folder);
    processes.start('kwok', join(folder, 'nothing'), []);
    await expect(processes.failure).rejects.toThrow(/^kwok ended unexpectedly \(spawn .* ENOENT\)/);
    await processes.stop();
  });

  it('that is stopped on purpose is not reported', async () => {
    const processes = new Processes(folder);
    processes.start('kwok', '/bin/sh', ['-c', 'exec sleep 600']);
    await processes.stop();
    await expect(Promise.race([processes.failure, Promise.resolve('no failure')])).resolves.toBe('no failure');
  });
});
