// The lines of the table in which operators are compared.
import { cpuPerWebsite, perWebsite, totalOf, type Figure } from './figures.ts';
import type { PhaseName } from './phases.ts';

export interface Measured {
  readonly phase: PhaseName;
  readonly of: Figure;
  readonly digits: number;
}

export interface Line extends Measured {
  readonly name: string;
  /** The name in the summary. Lines without one are not in it. */
  readonly inSummary?: string;
}

const perSecond: Figure = (result) => result.perSecond;
const apiServerCpu = perWebsite(({ cpuMs }) => cpuMs['kube-apiserver']);
const writes = perWebsite((result) => result.writes);
export const latency =
  (watched: 'deployment' | 'website', share: 'p50' | 'p99'): Figure =>
  ({ latencyMs }) =>
    latencyMs[watched]?.[share];
const rss: Figure = ({ rssMiB }) => totalOf(rssMiB);
const peakRss: Figure = ({ peakRssMiB }) => totalOf(peakRssMiB);
export const cores: Figure = ({ cpuMs, elapsedMs }) => (totalOf(cpuMs) ?? NaN) / elapsedMs;

/** In the order of the page. A line of a phase that was not measured is left out. */
export const LINES: readonly Line[] = [
  {
    name: '**Burst**, Websites/s',
    phase: 'create',
    of: perSecond,
    digits: 0,
    inSummary: '1,000 Websites created at once, Websites/s',
  },
  {
    name: 'CPU per Website, ms',
    phase: 'create',
    of: cpuPerWebsite,
    digits: 1,
    inSummary: 'CPU for each of them, ms',
  },
  { name: 'CPU of the API server per Website, ms', phase: 'create', of: apiServerCpu, digits: 1 },
  { name: 'writes per Website', phase: 'create', of: writes, digits: 2 },
  {
    name: '**One at a time**, to the Deployment, p50 ms',
    phase: 'single',
    of: latency('deployment', 'p50'),
    digits: 1,
    inSummary: 'one new Website, until it has its Deployment, ms',
  },
  {
    name: 'to the status, p50 ms',
    phase: 'single',
    of: latency('website', 'p50'),
    digits: 1,
    inSummary: 'one new Website, until its status is written, ms',
  },
  { name: 'to the status, p99 ms', phase: 'single', of: latency('website', 'p99'), digits: 0 },
  {
    name: '**Update**, Websites/s',
    phase: 'update',
    of: perSecond,
    digits: 0,
    inSummary: 'a new image for all 1,000, Websites/s',
  },
  {
    name: 'CPU per Website, ms',
    phase: 'update',
    of: cpuPerWebsite,
    digits: 1,
    inSummary: 'CPU for each of them, ms',
  },
  { name: 'CPU of the API server per Website, ms', phase: 'update', of: apiServerCpu, digits: 1 },
  { name: 'writes per Website', phase: 'update', of: writes, digits: 2 },
  {
    name: '**Repair**, p50 ms',
    phase: 'drift',
    of: latency('deployment', 'p50'),
    digits: 0,
    inSummary: 'a repair, if 100 Deployments are changed or deleted at once, ms',
  },
  { name: 'p99 ms', phase: 'drift', of: latency('deployment', 'p99'), digits: 0 },
  { name: 'CPU per repair, ms', phase: 'drift', of: cpuPerWebsite, digits: 1 },
  { name: 'CPU of the API server per repair, ms', phase: 'drift', of: apiServerCpu, digits: 1 },
  { name: '**Idle**, RSS, MiB', phase: 'idle', of: rss, digits: 0 },
  { name: '**Churn**, change to Deployment, p50 ms', phase: 'churn', of: latency('deployment', 'p50'), digits: 1 },
  { name: 'change to status, p50 ms', phase: 'churn', of: latency('website', 'p50'), digits: 1 },
  { name: 'change to status, p99 ms', phase: 'churn', of: latency('website', 'p99'), digits: 0 },
  { name: 'CPU, cores', phase: 'churn', of: cores, digits: 2 },
  { name: 'machine idle, %', phase: 'churn', of: ({ idlePercent }) => idlePercent, digits: 0 },
  { name: 'peak RSS, MiB', phase: 'churn', of: peakRss, digits: 0 },
  { name: '**Resync** when nothing differs, s', phase: 'resync', of: ({ figures }) => figures['resync, s'], digits: 0 },
  {
    name: '**Delete**, Websites/s',
    phase: 'delete',
    of: perSecond,
    digits: 0,
    inSummary: 'all 1,000 deleted, Websites/s',
  },
];
