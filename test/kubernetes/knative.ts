// The kinds of Knative that are deployed, as its API documents their fields: no more than what is used here, so that the API server
// refuses a field that is misspelt or in the wrong place. Knative itself looks at more, such as the schedule and the references.

const text = { type: 'string', minLength: 1 };
const number = { type: 'integer', minimum: 0 };
/** ISO 8601. */
const duration = { type: 'string', pattern: '^P(T(\\d+H)?(\\d+M)?(\\d+(\\.\\d+)?S)?)$' };
const object = (properties: object, ...required: string[]) => ({ type: 'object', properties, required });
const list = (items: object) => ({ type: 'array', items });
const attributes = { type: 'object', additionalProperties: text };

const reference = object({ apiVersion: text, kind: text, name: text, namespace: text }, 'apiVersion', 'kind', 'name');
const destination = object({ ref: reference, uri: text, audience: text, CACerts: text });
const delivery = object({
  deadLetterSink: destination,
  retry: number,
  backoffPolicy: { enum: ['linear', 'exponential'], type: 'string' },
  backoffDelay: duration,
  timeout: duration,
});
const filter = { exact: attributes, prefix: attributes, suffix: attributes };
const selector = object({ matchLabels: attributes });

/** What is in a PodSpec is checked as a Pod. */
const revision = {
  ...object({ containerConcurrency: number, timeoutSeconds: { ...number, maximum: 600 } }),
  'x-kubernetes-preserve-unknown-fields': true,
};

/** Written by its controllers. */
const status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

interface Definition {
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly spec: object;
}

const SPECS: Readonly<Record<string, Definition>> = {
  'services.serving.knative.dev': {
    kind: 'Service',
    shortNames: ['ksvc'],
    spec: object({
      template: object({ metadata: object({ annotations: attributes, labels: attributes }), spec: revision }, 'spec'),
    }),
  },
  'brokers.eventing.knative.dev': { kind: 'Broker', spec: object({ config: reference, delivery }) },
  'triggers.eventing.knative.dev': {
    kind: 'Trigger',
    spec: object(
      {
        broker: text,
        filters: list(object({ ...filter, any: list(object(filter)), all: list(object(filter)) })),
        subscriber: destination,
        delivery,
      },
      'broker',
      'subscriber',
    ),
  },
  'sinkbindings.sources.knative.dev': {
    kind: 'SinkBinding',
    spec: object({ subject: reference, sink: destination, ceOverrides: object({ extensions: attributes }) }),
  },
  'pingsources.sources.knative.dev': {
    kind: 'PingSource',
    spec: object({ schedule: text, timezone: text, contentType: text, data: text, sink: destination }, 'sink'),
  },
  'apiserversources.sources.knative.dev': {
    kind: 'ApiServerSource',
    spec: object(
      {
        mode: { enum: ['Reference', 'Resource'], type: 'string' },
        serviceAccountName: text,
        namespaceSelector: selector,
        resources: list(object({ apiVersion: text, kind: text, selector }, 'apiVersion', 'kind')),
        sink: destination,
      },
      'resources',
      'sink',
    ),
  },
};

/** Their definitions, for kubectl. */
export function knativeDefinitions(): string {
  const items = Object.entries(SPECS).map(([name, { kind, shortNames = [], spec }]) => {
    const [plural = '', ...group] = name.split('.');
    const schema = { openAPIV3Schema: object({ spec, status }) };
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      spec: {
        group: group.join('.'),
        scope: 'Namespaced',
        names: { kind, plural, singular: kind.toLowerCase(), shortNames },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    };
  });
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
