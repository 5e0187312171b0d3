// The alerts and the dashboard: generated, of metrics that exist, and in the chart.
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

it('The files are what npm run generate writes', () => {
  expect(readFileSync(`${FOLDER}/prometheus-rule.yaml`, 'utf8')).toBe(prometheusRuleYaml());
  expect(readFileSync(`${FOLDER}/dashboard.json`, 'utf8')).toBe(dashboardJson());
});

it('docs/metrics.md has a row for each alert, and no other', () => {
  const rows = [...PAGE.matchAll(/^\| alert \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/gm)].map(([, found = '']) =>
    found.trim().split('\n'),
  );
  expect(rows).toEqual([alertRows(FORWARDER_ALERTS), alertRows(FUNCTIONS_ALERTS)]);
});

/** The names by which Prometheus knows the metrics of docs/metrics.md, without what it adds to histograms. */
const KNOWN = new Set([
  ...[...PAGE.matchAll(/^\| `(website_forwarder_\w+)` \|/gm)].map(([, name = '']) => name),
  ...[...PAGE.matchAll(/^\| `(website\.[\w.]+)` \| (\w+) \| `([^`]+)` \|/gm)].map(([, name = '', type, unit]) => {
    const suffix = `${unit === 's' ? '_seconds' : ''}${type === 'counter' ? '_total' : ''}`;
    return name.replaceAll('.', '_') + suffix;
  }),
]);

it('The alerts and the dashboard ask for metrics that exist', () => {
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

it.skipIf(!hasPromtool)('Prometheus understands the rules (skipped without promtool)', () => {
  const { groups } = prometheusRule().spec;
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups }));
  const said = execFileSync('promtool', ['check', 'rules', join(folder, 'rules.json')]).toString();
  expect(said).toContain(`SUCCESS: ${groups.flatMap(({ rules }) => rules).length} rules found`);
});
