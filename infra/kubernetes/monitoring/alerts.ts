// The alerts. `npm run generate` makes prometheus-rule.yaml and dashboard.json from them, and docs/metrics.md repeats them.
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';

interface Alert {
  readonly name: string;
  /** As the page names it. */
  readonly what: string;
  /** PromQL. */
  readonly expression: string;
  /** How long it must last. */
  readonly for: string;
  readonly severity: 'warning' | 'critical';
  readonly toDo: string;
}

/** Of the forwarder, which Prometheus scrapes. */
export const FORWARDER_ALERTS: readonly Alert[] = [
  {
    name: 'WebsiteForwarderWatchStale',
    what: 'a watch is stale',
    expression: 'max by (resource) (website_forwarder_watch_progress_age_seconds) > 180',
    for: '1m',
    severity: 'critical',
    toDo: '`/readyz` of the forwarder says why. Check its rights, the CRD and the API server',
  },
  {
    name: 'WebsiteForwarderHasNoLeader',
    what: 'no forwarder leads',
    // Without any forwarder there is no series, and a sum of nothing would never fire.
    expression: '(sum(website_forwarder_leader) or vector(0)) < 1',
    for: '1m',
    severity: 'critical',
    toDo: 'check that the forwarder runs and that Prometheus scrapes it. `/readyz` of each replica says why it does not lead. Most often, the right to the Lease is missing',
  },
  {
    name: 'WebsiteEventsLate',
    what: 'events are late',
    expression: 'max(website_forwarder_oldest_pending_age_seconds) > 300',
    for: '1m',
    severity: 'warning',
    toDo: "the forwarder logs `Could not deliver event` with the sink's answer",
  },
  {
    name: 'WebsiteEventsRejected',
    what: 'events are rejected',
    expression: 'increase(website_forwarder_events_total{result="rejected"}[15m]) > 0',
    for: '0s',
    severity: 'warning',
    toDo: 'either the sink is not the functions, or both are of releases that do not fit together ([upgrade](upgrade.md#while-both-releases-run))',
  },
  {
    name: 'WebsiteWritersInCircles',
    what: 'two writers undo each other',
    expression: 'rate(website_forwarder_deferred_total[15m]) > 0',
    for: '15m',
    severity: 'warning',
    toDo: 'the two disagree about a field. `website explain NAME` shows which field manager wrote it last',
  },
];

const RESYNCS = 'website_resync_duration_seconds_count{result="complete"}';
/**
 * A resync makes a series grow, or begins one: functions that scale to zero begin a new series each time. The last day must have
 * one, because many installations send no metrics of the functions to Prometheus.
 */
const NO_RESYNC = `absent(increase(${RESYNCS}[30m]) > 0 or (last_over_time(${RESYNCS}[30m]) unless last_over_time(${RESYNCS}[30m] offset 30m))) and on() count(last_over_time(${RESYNCS}[1d]))`;

/** Of the functions, which send OpenTelemetry. Prometheus adds units and `_total` to the names. */
export const FUNCTIONS_ALERTS: readonly Alert[] = [
  {
    name: 'WebsiteResyncsMissing',
    what: 'resyncs do not happen',
    expression: NO_RESYNC,
    for: '10m',
    severity: 'warning',
    toDo: 'the functions log `Could not reconcile Website` with the cause. Check their rights, and the timer or CronJob that starts the resync',
  },
  {
    name: 'WebsiteReconcilesFail',
    what: 'reconciles fail',
    expression:
      'sum(rate(website_reconcile_duration_seconds_count{outcome="failed"}[15m])) > 0.05 * sum(rate(website_reconcile_duration_seconds_count[15m]))',
    for: '15m',
    severity: 'warning',
    toDo: 'look at `reason`. `Forbidden`: the functions lack a right. `Unauthorized`: their token is not accepted. `Unavailable`: check the API server. `InternalError`: an admission webhook cannot be called. The status of the Websites names it, or an Event with the reason `StatusNotWritten` ([status](status.md#if-the-status-cannot-be-written))',
  },
  {
    name: 'WebsiteCannotBeReconciled',
    what: 'a Website cannot be reconciled',
    expression: 'sum(increase(website_resync_websites_total{result="failed"}[30m])) > 0',
    for: '1h',
    severity: 'warning',
    toDo: 'the functions log `Could not reconcile Website` with its name and the cause',
  },
  {
    name: 'WebsiteRepairedOften',
    what: 'somebody keeps changing children',
    expression: 'sum by (kind) (increase(website_repairs_total[15m])) > 5',
    for: '15m',
    severity: 'warning',
    toDo: 'Kubernetes Events with the reason `Repaired` name the Website and the fields, and so does `repaired` in the log of the functions ([status](status.md#when-somebody-else-changes-a-child))',
  },
  {
    name: 'WebsiteEventsLost',
    what: 'resyncs find many differences',
    expression: 'sum(increase(website_resync_websites_total{result="differing"}[1h])) > 10',
    for: '1h',
    severity: 'warning',
    toDo: 'events are lost or late: check the forwarder, and compare with `website_forwarder_missed_changes_total`',
  },
  {
    name: 'WebsiteHistoryNotWritten',
    what: 'the history is not written',
    expression: 'sum by (result) (increase(website_history_records_total{result!="written"}[15m])) > 0',
    for: '15m',
    severity: 'warning',
    toDo: 'records are lost, but reconciles go on. The functions log `Could not write history` with the cause. Check the database and `HISTORY_URL` ([history](history.md))',
  },
];

const RUNBOOK = 'https://github.com/website-reconciler/website-reconciler/blob/main/docs/metrics.md#what-to-watch-for';

const ruleOf = ({ name, what, expression, for: duration, severity, toDo }: Alert) => ({
  alert: name,
  expr: expression,
  for: duration,
  labels: { severity },
  annotations: { summary: `Websites: ${what}`, description: toDo, runbook_url: RUNBOOK },
});

export const prometheusRule = () => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'website-reconciler', namespace: 'website-reconciler' },
  spec: {
    groups: [
      { name: 'website-forwarder', rules: FORWARDER_ALERTS.map(ruleOf) },
      { name: 'website-functions', rules: FUNCTIONS_ALERTS.map(ruleOf) },
    ],
  },
});

/** The rows of a table in docs/metrics.md. A bar in an expression would end the cell. */
export const alertRows = (alerts: readonly Alert[]): string[] =>
  alerts.map(
    ({ what, expression, for: duration, toDo }) =>
      `| ${what} | \`${expression}\`, ${duration === '0s' ? 'at once' : `for ${duration}`} | ${toDo} |`,
  );

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly queries: readonly (readonly [expression: string, legend: string])[];
}

const p99 = (histogram: string, by = ''): string =>
  `histogram_quantile(0.99, sum by (${by}le) (rate(${histogram}_bucket[5m])))`;

const PANELS: readonly Panel[] = [
  {
    title: 'Events delivered, by result',
    unit: 'ops',
    queries: [['sum by (result) (rate(website_forwarder_events_total[5m]))', '{{result}}']],
  },
  {
    title: 'Oldest undelivered change',
    unit: 's',
    queries: [['max(website_forwarder_oldest_pending_age_seconds)', 'age']],
  },
  {
    title: 'Keys, by state',
    unit: 'short',
    queries: [['sum by (state) (website_forwarder_pending_keys)', '{{state}}']],
  },
  {
    title: 'Delivery, from sending to the answer',
    unit: 's',
    queries: [0.5, 0.99].map((quantile) => [
      `histogram_quantile(${quantile}, sum by (le) (rate(website_forwarder_delivery_duration_seconds_bucket[5m])))`,
      `p${quantile * 100}`,
    ]),
  },
  {
    title: 'Watches: time since the API server last sent something',
    unit: 's',
    queries: [['max by (resource) (website_forwarder_watch_progress_age_seconds)', '{{resource}}']],
  },
  {
    title: 'Objects known',
    unit: 'short',
    queries: [['sum by (resource) (website_forwarder_known_objects)', '{{resource}}']],
  },
  {
    title: 'Reconciles, by outcome',
    unit: 'ops',
    queries: [['sum by (outcome) (rate(website_reconcile_duration_seconds_count[5m]))', '{{outcome}}']],
  },
  {
    title: 'Duration of a reconcile',
    unit: 's',
    queries: [0.5, 0.99].map((quantile) => [
      `histogram_quantile(${quantile}, sum by (le) (rate(website_reconcile_duration_seconds_bucket[5m])))`,
      `p${quantile * 100}`,
    ]),
  },
  {
    title: 'From a new spec to Ready',
    unit: 's',
    queries: [0.5, 0.9].flatMap((quantile) =>
      ['created', 'updated'].map((change): readonly [string, string] => [
        `histogram_quantile(${quantile}, sum by (le) (rate(website_ready_duration_seconds_bucket{change="${change}"}[30m])))`,
        `${change} p${quantile * 100}`,
      ]),
    ),
  },
  {
    title: 'Records for the history',
    unit: 'short',
    queries: [['sum by (result) (increase(website_history_records_total[15m]))', '{{result}}']],
  },
  {
    title: 'Changes of others that were repaired',
    unit: 'short',
    queries: [['sum by (kind) (increase(website_repairs_total[15m]))', '{{kind}}']],
  },
  {
    title: 'Websites in resyncs',
    unit: 'short',
    queries: [['sum by (result) (increase(website_resync_websites_total[30m]))', '{{result}}']],
  },
];

/** Where the time of a change goes, in the order of docs/metrics.md. */
const STAGE_PANELS: readonly Panel[] = [
  {
    title: 'Stages of a change in the forwarder, p99',
    unit: 's',
    queries: [
      [p99('website_forwarder_watch_duration_seconds'), 'taken from the watch'],
      [p99('website_forwarder_queue_duration_seconds', 'type, '), 'in the queue: {{type}}'],
      [p99('website_forwarder_delivery_duration_seconds', 'result, '), 'sent: {{result}}'],
    ],
  },
  {
    title: 'Waits in the functions, p99',
    unit: 's',
    queries: [[p99('website_wait_duration_seconds', 'cause, '), 'for a {{cause}}']],
  },
  {
    title: 'Calls to the API server, p99',
    unit: 's',
    queries: [[p99('website_api_duration_seconds', 'verb, resource, '), '{{verb}} {{resource}}']],
  },
  {
    title: 'Calls to the API server that did not succeed',
    unit: 'ops',
    queries: [
      [
        'sum by (verb, resource, code) (rate(website_api_duration_seconds_count{code!~"2..|404"}[5m]))',
        '{{verb}} {{resource}} {{code}}',
      ],
    ],
  },
  {
    title: 'Delay of the event loop, p99',
    unit: 's',
    queries: [
      [p99('website_forwarder_event_loop_delay_seconds'), 'forwarder'],
      [p99('website_event_loop_delay_seconds'), 'functions'],
    ],
  },
  {
    title: 'Garbage collection, p99',
    unit: 's',
    queries: [
      [p99('nodejs_gc_duration_seconds', 'kind, '), 'forwarder: {{kind}}'],
      [p99('v8js_gc_duration_seconds', 'v8js_gc_type, '), 'functions: {{v8js_gc_type}}'],
    ],
  },
];

const WIDTH = 12;
const HEIGHT = 8;

/** For Grafana 10 and newer. Its one variable is the data source. */
export const dashboard = () => ({
  title: 'Website Reconciler',
  uid: 'website-reconciler',
  tags: ['websites'],
  schemaVersion: 39,
  time: { from: 'now-6h', to: 'now' },
  refresh: '1m',
  templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
  panels: [...PANELS, ...STAGE_PANELS].map(({ title, unit, queries }, index) => ({
    id: index + 1,
    type: 'timeseries',
    title,
    datasource: { type: 'prometheus', uid: '${datasource}' },
    gridPos: { x: (index % 2) * WIDTH, y: Math.floor(index / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: queries.map(([expr, legendFormat], query) => ({
      refId: String.fromCharCode(65 + query),
      expr,
      legendFormat,
    })),
  })),
});

export const prometheusRuleYaml = (): string =>
  `# Generated from alerts.ts by npm run generate: do not edit.\n${stringify(prometheusRule(), { lineWidth: 120 })}`;
export const dashboardJson = (): string => `${JSON.stringify(dashboard(), undefined, 2)}\n`;

if (import.meta.main) {
  writeFileSync(new URL('prometheus-rule.yaml', import.meta.url), prometheusRuleYaml());
  writeFileSync(new URL('dashboard.json', import.meta.url), dashboardJson());
}
