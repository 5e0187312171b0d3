import type { HistoryRecord } from '../../functions/history/store.ts';

export const record = (given: Partial<HistoryRecord> = {}): HistoryRecord => ({
  at: Date.parse('2026-03-01T10:00:00.123Z'),
  cluster: 'west',
  namespace: 'team-a',
  name: 'shop',
  eventId: 'uid.12',
  eventReason: 'spec-changed',
  outcome: 'waiting',
  reason: 'Progressing',
  actions: ['replace Deployment', 'update status'],
  changed: ['Deployment spec.replicas', 'Deployment spec.template.spec.containers[0].image'],
  durationMs: 34,
  ...given,
});
