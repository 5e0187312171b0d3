// npm run bench [-- SUBJECT] [--quick]: measures one subject, `compare` unless it is named. Everything runs on this machine, so
// read the ratios and not the figures.
import { benchCompare } from './compare.ts';
import { benchColdStart } from './cold-start.ts';
import { benchFailover } from './failover.ts';
import { benchForwarder } from './forwarder.ts';
import { benchResync } from './resync.ts';

const SUBJECTS: Readonly<Record<string, (flags: readonly string[]) => Promise<void>>> = {
  compare: benchCompare,
  forwarder: benchForwarder,
  failover: benchFailover,
  'cold-start': benchColdStart,
  resync: benchResync,
};

const [first = '', ...others] = process.argv.slice(2);
const [name, flags] = first === '' || first.startsWith('-') ? ['compare', process.argv.slice(2)] : [first, others];
const bench = SUBJECTS[name];
if (bench === undefined) throw new Error(`There is no subject ${name}: take ${Object.keys(SUBJECTS).join(' or ')}`);
await bench(flags);
