// The generated alerts and the dashboard.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  alertRows,
  dashboard,
  dashboardJson,
  FORWARDER_ALERTS,
  FUNCTIONS_ALERTS,
  prometheusRule,
  prometheusRuleYaml,
} from '../../infra/kubernetes/monitoring/alerts.ts';

const FOLDER = 'infra/kubernetes/monitoring';
const PAGE = readFileSync('docs/metrics.md', 'utf8');

it('The files are up to date with npm run generate', () => {
  expect(readFileSync(`${FOLDER}/prometheus-rule.yaml`, 'utf8')).toBe(prometheusRuleYaml());
  expect(readFileSync(`${FOLDER}/dashboard.json`, 'utf8')).toBe(dashboardJson());
});

it('docs/metrics.md has exactly one row for each alert', () => {
  const rows = [...PAGE.matchAll(/^\| alert \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/gm)].map(([, found = '']) =>
    found.trim().split('\n'),
  );
  expect(rows).toEqual([alertRows(FORWARDER_ALERTS), alertRows(FUNCTIONS_ALERTS)]);
});

/** The Prometheus names of the metrics in docs/metrics.md, without the suffixes of histograms. */
const KNOWN = new Set([
  ...[...PAGE.matchAll(/^\| `(website_forwarder_\w+)` \|/gm)].map(([, name = '']) => name),
  ...[...PAGE.matchAll(/^\| `(website\.[\w.]+)` \| (\w+) \| `([^`]+)` \|/gm)].map(([, name = '', type, unit]) => {
    const suffix = `${unit === 's' ? '_seconds' : ''}${type === 'counter' ? '_total' : ''}`;
    return name.replaceAll('.', '_') + suffix;
  }),
]);

it('The alerts and the dashboard use only metrics that exist', () => {
  const expressions = [
    ...prometheusRule().spec.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ...dashboard().panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
  const asked = expressions.flatMap((expression) => expression.match(/website_\w+/g) ?? []);
  const unknown = asked.filter((name) => !KNOWN.has(name.replace(/_(count|bucket|sum)$/, '')));
  expect(asked.length).toBeGreaterThan(20);
  expect(unknown).toEqual([]);
});

const hasPromtool = (() => {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A folder with the rules, and with the files that are given. */
function withRules(files: Readonly<Record<string, unknown>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { groups } = prometheusRule().spec;
  for (const [name, content] of Object.entries({ 'rules.json': { groups }, ...files }))
    writeFileSync(join(folder, name), JSON.stringify(content));
  return folder;
}

it.skipIf(!hasPromtool)('Prometheus understands the rules (skipped without promtool)', () => {
  const { groups } = prometheusRule().spec;
  const said = execFileSync('promtool', ['check', 'rules', join(withRules(), 'rules.json')]).toString();
  expect(said).toContain(`SUCCESS: ${groups.flatMap(({ rules }) => rules).length} rules found`);
});

const LEADER = 'website_forwarder_leader';
const RESYNCS = 'website_resync_duration_seconds_count{result="complete"';

/** Samples a minute apart, as promtool writes them, and the minute at which to look. */
const CASES: Readonly<
  Record<string, readonly [alert: string, series: Readonly<Record<string, string>>, at: number, fires: boolean]>
> = {
  'The alert about a missing leader fires if no forwarder runs': ['WebsiteForwarderHasNoLeader', {}, 5, true],
  'The alert about a missing leader fires if neither of two forwarders leads': [
    'WebsiteForwarderHasNoLeader',
    { [`${LEADER}{pod="a"}`]: '0x10', [`${LEADER}{pod="b"}`]: '0x10' },
    5,
    true,
  ],
  'The alert about a missing leader stays silent if one of two forwarders leads': [
    'WebsiteForwarderHasNoLeader',
    { [`${LEADER}{pod="a"}`]: '0x10', [`${LEADER}{pod="b"}`]: '1x10' },
    5,
    false,
  ],
  'The alert about missing resyncs stays silent if the functions export no metrics': [
    'WebsiteResyncsMissing',
    {},
    120,
    false,
  ],
  'The alert about missing resyncs stays silent if the functions resync every 10 minutes': [
    'WebsiteResyncsMissing',
    { [`${RESYNCS},pod="a"}`]: '1x9 2x9 3x9 4x9 5x9 6x9 7x9' },
    65,
    false,
  ],
  'The alert about missing resyncs fires if the functions run but no longer resync': [
    'WebsiteResyncsMissing',
    { [`${RESYNCS},pod="a"}`]: '1x9 2x120' },
    100,
    true,
  ],
  'The alert about missing resyncs stays silent if the functions scale to zero and each resync begins a series': [
    'WebsiteResyncsMissing',
    {
      [`${RESYNCS},pod="a"}`]: '_x40 1x3',
      [`${RESYNCS},pod="b"}`]: '_x60 1x3',
      [`${RESYNCS},pod="c"}`]: '_x80 1x3',
    },
    100,
    false,
  ],
  'The alert about missing resyncs fires if the functions scaled to zero and no resync wakes them': [
    'WebsiteResyncsMissing',
    { [`${RESYNCS},pod="a"}`]: '_x10 1x3' },
    100,
    true,
  ],
};

it.skipIf(!hasPromtool).each(Object.entries(CASES))(
  '%s (skipped without promtool)',
  (_, [alert, series, at, fires]) => {
    const rule = prometheusRule()
      .spec.groups.flatMap(({ rules }) => rules)
      .find((each) => each.alert === alert);
    const expected = { exp_labels: rule?.labels, exp_annotations: rule?.annotations };
    const folder = withRules({
      'tests.json': {
        rule_files: ['rules.json'],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
            alert_rule_test: [{ eval_time: `${at}m`, alertname: alert, exp_alerts: fires ? [expected] : [] }],
          },
        ],
      },
    });
    expect(execFileSync('promtool', ['test', 'rules', join(folder, 'tests.json')]).toString()).toContain('SUCCESS');
  },
);
