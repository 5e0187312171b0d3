// Log lines of both programs, as they write them.

const TIME = 1_767_323_045_000;

export const reconciled = (given: object = {}) => ({
  program: 'website-functions',
  level: 30,
  time: TIME,
  namespace: 'team-a',
  name: 'shop',
  eventId: 'uid-1.7',
  eventReason: 'spec-changed',
  outcome: 'waiting',
  reason: 'Progressing',
  actions: ['replace Deployment', 'update status'],
  ms: 52,
  msg: 'Reconciled Website',
  ...given,
});

export const delivered = (given: object = {}) => ({
  program: 'website-forwarder',
  level: 30,
  time: TIME + 20,
  namespace: 'team-a',
  name: 'shop',
  reason: 'spec-changed',
  type: 'changed',
  eventId: 'uid-1.7',
  attempt: 1,
  status: 204,
  outcome: 'waiting',
  ms: 60,
  msg: 'Delivered event',
  ...given,
});

export const undelivered = (given: object = {}) =>
  delivered({ msg: 'Could not deliver event', status: 503, why: 'the sink answered 503', ...given });

export const failed = (given: object = {}) => {
  const { outcome: _, reason: __, actions: ___, ms: ____, ...line } = reconciled();
  return {
    ...line,
    level: 40,
    code: 'Unavailable',
    error: 'Could not get websites shop',
    msg: 'Could not reconcile Website',
    ...given,
  };
};
