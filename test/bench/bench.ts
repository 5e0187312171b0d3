// npm run bench [-- SUBJECT] [--quick]: measures one subject, `compare` unless it is named. Everything runs on this machine, so
// read the ratios and not the figures.
import { UsageError } from '../../infra/usage.ts';
import { benchCompare } from './compare.ts';
import { benchCli } from './cli.ts';
import { benchColdStart } from './cold-start.ts';
import { benchFailover } from './failover.ts';
import { isUsageError } from './flags.ts';
import { benchForwarder } from './forwarder.ts';
import { benchResync } from './resync.ts';
import { benchScale } from './scale.ts';

const SUBJECTS: Readonly<Record<string, (flags: readonly string[]) => Promise<void>>> = {
  compare: benchCompare,
  forwarder: benchForwarder,
  failover: benchFailover,
  'cold-start': benchColdStart,
  resync: benchResync,
  cli: benchCli,
  scale: benchScale,
};

const USAGE = `Usage: npm run bench [-- SUBJECT] [flags]

  compare      the whole way of a Website, beside others who do the same; what is measured where no subject is named
               --websites N, --warm-up N, --subjects A,B, --phases A,B, --rate N, --churn-seconds N,
               --idle-seconds N,
               --site plain|routed (routed: with a host and a PodDisruptionBudget),
               --beside N (processes that take a core each during a churn), --json FILE, --chart FILE,
               --record NAME (keeps the figures for docs/performance.md)
  resync       how long a resync takes; --websites N
  forwarder    what the forwarder takes; --large, --record NAME
  failover     how soon a standby follows; --record NAME
  cold-start   how soon the functions are there; --record NAME
  cli          how soon the program website shows something, and what a plan of all Websites takes; --websites N
  scale        what both programs take at a simulated API server; --websites N, --shards N, --record NAME

Each takes --quick, and each but scale --runs N.
`;

/** Who interrupts a measurement wants nothing of it to stay. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const args = process.argv.slice(2);
const [first = '', ...others] = args;
const [name, flags] = first === '' || first.startsWith('-') ? ['compare', args] : [first, others];
try {
  if (args.includes('--help')) process.stdout.write(USAGE);
  else await benchOf(name)(flags);
} catch (error) {
  if (!isUsageError(error)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

function benchOf(subject: string): (flags: readonly string[]) => Promise<void> {
  const bench = SUBJECTS[subject];
  if (bench === undefined)
    throw new UsageError(`There is no subject ${subject}: take ${Object.keys(SUBJECTS).join(' or ')}`);
  return bench;
}
