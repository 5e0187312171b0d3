import type { V1Container, V1SecurityContext } from '@kubernetes/client-node';
import { differences } from '../../differences.ts';
import { isSameAmount } from './quantity.ts';
import type { WebsiteSpec } from '../../resource.ts';
import type { Json } from '../kind.ts';
import { PORT_NAME } from '../port.ts';
import { mergedMounts, mountsOf } from './files.ts';
import { laidOver, type Statement } from './laid.ts';
import { present } from './present.ts';
import { probesOf, withTimingOf } from './probes.ts';
import { pullPolicy } from './pull-policy.ts';
import type { Stated } from './stated.ts';

/** Name of the one container. */
export const CONTAINER = 'webserver';

type Container = Json<V1Container>;
type Security = Container['securityContext'];

/** The container that a spec desires. */
export function container(spec: WebsiteSpec): Container {
  const securityContext = SECURITY_CONTEXTS[spec.securityProfile];
  return {
    name: CONTAINER,
    image: spec.image,
    imagePullPolicy: pullPolicy(spec.image),
    ports: [{ name: PORT_NAME, containerPort: spec.port, protocol: 'TCP' }],
    env: (spec.env ?? []).map(variable),
    resources: resources(spec),
    ...probesOf(spec),
    ...(spec.envFrom === undefined ? {} : { envFrom: spec.envFrom.map(source) }),
    ...(spec.command === undefined ? {} : { command: spec.command }),
    ...(spec.args === undefined ? {} : { args: spec.args }),
    ...mountsOf(spec),
    ...(securityContext === undefined ? {} : { securityContext }),
  };
}

const variable = ({ name, value, valueFrom }: NonNullable<WebsiteSpec['env']>[number]): Env[number] => {
  if (valueFrom !== undefined) return { name, valueFrom: present(valueFrom) };
  return value === '' ? { name } : { name, value };
};

const source = ({ prefix, secretRef, configMapRef }: NonNullable<WebsiteSpec['envFrom']>[number]) => ({
  ...(prefix === undefined ? {} : { prefix }),
  ...(secretRef === undefined ? {} : { secretRef: present(secretRef) }),
  ...(configMapRef === undefined ? {} : { configMapRef: present(configMapRef) }),
});

function resources({ resources: { requests = {}, limits = {} } = {} }: WebsiteSpec) {
  return { requests: texts(requests), limits: texts(limits) };
}

const texts = (amounts: Record<string, string | number | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(amounts).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, String(amount)]])),
  );

/** Source for `restricted`: the Pod Security Standards of Kubernetes. */
export const SECURITY_CONTEXTS: Readonly<Record<WebsiteSpec['securityProfile'], Json<V1SecurityContext> | undefined>> =
  {
    baseline: undefined,
    restricted: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };

// How the desired container is laid over the one that was read. What the spec states is ours exactly. What it does not state is set at
// creation and then left alone, because admission policies set pull policies, default limits, variables and security contexts.

/** Fields of the container that a spec may state. */
const FIELDS = [
  'command',
  'args',
  'envFrom',
  'readinessProbe',
  'livenessProbe',
  'startupProbe',
] as const satisfies readonly (keyof Container)[];

export const mergedContainers =
  (before: Stated, statement: Statement) =>
  (have: readonly Container[], want: Container): Container[] =>
    have.some(({ name }) => name === want.name)
      ? have.map((each) => (each.name === want.name ? mergedContainer(each, want, before, statement) : each))
      : [...have, want];

function mergedContainer(have: Container, want: Container, before: Stated, statement: Statement): Container {
  const { securityContext, volumeMounts: _, ...rest } = laidOver(have, want, FIELDS, statement);
  const security = mergedSecurity(securityContext, want.securityContext, before);
  return {
    ...rest,
    ...withTimingOf(have, want),
    ...(want.image === undefined ? {} : { image: want.image }),
    ...mergedPullPolicy(have, want),
    ports: mergedPorts(have.ports ?? [], want.ports ?? []),
    env: mergedEnv(have.env ?? [], want.env ?? [], before),
    resources: mergedResources(have.resources, want.resources, before),
    ...mergedMounts(have, want, before?.files),
    ...(security === undefined ? {} : { securityContext: security }),
  };
}

/** The pull policy changes only when the API server's default for the new image differs from that for the old image. */
function mergedPullPolicy(
  { image = '' }: Container,
  { imagePullPolicy }: Container,
): Pick<Container, 'imagePullPolicy'> {
  return imagePullPolicy === undefined || pullPolicy(image) === imagePullPolicy ? {} : { imagePullPolicy };
}

type Ports = NonNullable<Container['ports']>;

/** Our port is found by its name. No other port may have its number. */
function mergedPorts(have: Ports, want: Ports): Ports {
  const ours = want.map((port) => ({ ...have.find(({ name }) => name === port.name), ...port }));
  const isOurs = ({ name, containerPort }: Ports[number]) =>
    want.some((port) => port.name === name || port.containerPort === containerPort);
  const place = have.findIndex(isOurs);
  const before = place === -1 ? have : have.slice(0, place);
  return [...before, ...ours, ...have.slice(before.length).filter((port) => !isOurs(port))];
}

type Env = NonNullable<Container['env']>;

/** Variables may refer to earlier ones, so ours keep the order of the spec. Variables of other writers may stand between them. */
function mergedEnv(have: Env, want: Env, before: Stated): Env {
  const stated = new Set(want.map(({ name }) => name));
  const isOther = ({ name }: Env[number]) => !stated.has(name) && before !== undefined && !before.env.includes(name);
  const kept = have.filter((each) => stated.has(each.name) || isOther(each));
  const ours = kept.filter(({ name }) => stated.has(name));
  if (differences(ours, want).length === 0) return kept;
  const place = kept.findIndex(({ name }) => stated.has(name));
  const [front, back] = place === -1 ? [kept, []] : [kept.slice(0, place), kept.slice(place)];
  return [...front, ...want, ...back.filter(isOther)];
}

type Resources = Container['resources'];

/** An equal amount stays as it is stored: the API server has its own notation. */
function mergedResources(have: Resources, want: Resources, before: Stated): Resources & {} {
  const merged = (part: 'requests' | 'limits') => {
    const stored = have?.[part] ?? {};
    const stated = want?.[part] ?? {};
    const isOther = (name: string) => before !== undefined && !before.resources.includes(`${part}.${name}`);
    const others = Object.entries(stored).filter(([name]) => stated[name] === undefined && isOther(name));
    const ours = Object.entries(stated).map(([name, amount]): [string, string] => {
      const found = stored[name];
      return [name, found !== undefined && isSameAmount(found, amount) ? found : amount];
    });
    return Object.fromEntries([...others, ...ours]);
  };
  return { ...have, requests: merged('requests'), limits: merged('limits') };
}

/** Fields that other writers may set next to the restricted profile: they can only take rights away. */
const NARROWING = ['runAsUser', 'runAsGroup', 'readOnlyRootFilesystem'] as const;

function mergedSecurity(have: Security, want: Security, before: Stated): Security {
  if (want !== undefined) {
    const kept = NARROWING.flatMap((name) => (have?.[name] === undefined ? [] : [[name, have[name]]]));
    return { ...Object.fromEntries(kept), ...want };
  }
  if (before === undefined) return undefined;
  const left = Object.keys((before.profile === 'restricted' ? SECURITY_CONTEXTS.restricted : undefined) ?? {});
  const others = Object.entries(have ?? {}).filter(([name]) => !left.includes(name));
  return others.length === 0 ? undefined : Object.fromEntries(others);
}
