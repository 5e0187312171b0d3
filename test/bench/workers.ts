// node workers.ts FILE N: runs FILE in N processes that share one port, as a host does that scales out on one machine.
import cluster from 'node:cluster';

const [exec = '', count = '1'] = process.argv.slice(2);
cluster.setupPrimary({ exec, args: [] });
const workers = Array.from({ length: Number(count) }, () => cluster.fork());
process.once('SIGTERM', () => {
  for (const worker of workers) worker.process.kill('SIGTERM');
});
