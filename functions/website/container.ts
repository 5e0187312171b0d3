// Our container. What the spec states is ours exactly. What it does not state is set at creation and stays as the cluster has it: policies
// set pull policies, default limits, variables and security contexts.
import type { V1Container } from '@kubernetes/client-node';
import type { Json } from './children.ts';
import { pullPolicy, SECURITY_CONTEXTS } from './desired.ts';
import { differences } from './differences.ts';
import { isSameAmount } from './quantity.ts';
import type { Stated } from './stated.ts';

type Container = Json<V1Container>;
type Security = Container['securityContext'];

export const mergedContainers =
  (before: Stated) =>
  (have: readonly Container[], want: Container): Container[] =>
    have.some(({ name }) => name === want.name)
      ? have.map((container) => (container.name === want.name ? mergedContainer(container, want, before) : container))
      : [...have, want];

function mergedContainer(have: Container, want: Container, before: Stated): Container {
  const { securityContext, ...rest } = have;
  const security = mergedSecurity(securityContext, want.securityContext, before);
  return {
    ...rest,
    ...(want.image === undefined ? {} : { image: want.image }),
    ...mergedPullPolicy(have, want),
    ports: mergedPorts(have.ports ?? [], want.ports ?? []),
    env: mergedEnv(have.env ?? [], want.env ?? [], before),
    resources: mergedResources(have.resources, want.resources, before),
    ...(security === undefined ? {} : { securityContext: security }),
  };
}

/** It follows the image where a creation would give the new one another policy than the old one, and stays otherwise. */
function mergedPullPolicy(
  { image = '' }: Container,
  { imagePullPolicy }: Container,
): Pick<Container, 'imagePullPolicy'> {
  return imagePullPolicy === undefined || pullPolicy(image) === imagePullPolicy ? {} : { imagePullPolicy };
}

type Ports = NonNullable<Container['ports']>;

/** Ours is known by its name, and no other may have its number. */
function mergedPorts(have: Ports, want: Ports): Ports {
  const ours = want.map((port) => ({ ...have.find(({ name }) => name === port.name), ...port }));
  const isOurs = ({ name, containerPort }: Ports[number]) =>
    want.some((port) => port.name === name || port.containerPort === containerPort);
  const place = have.findIndex(isOurs);
  const before = place === -1 ? have : have.slice(0, place);
  return [...before, ...ours, ...have.slice(before.length).filter((port) => !isOurs(port))];
}

type Env = NonNullable<Container['env']>;

/** Variables may refer to those before them, so ours keep the order of the spec. Where they have it, others may be between them. */
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

/** An amount that the API server wrote in its own way stays as it wrote it. */
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

/** What others may set beside the restricted profile: it can only narrow what the container may do. */
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
