import { CONTAINER } from '../children/deployment/container.ts';
import type { ContainerStatus, PodContainer } from './pod.ts';
import { shortened } from '../shortened.ts';

/** Why a Pod is not ready. */
export interface Cause {
  /**
   * - 0: it cannot run.
   * - 1: it runs, and is not ready.
   * - 2: it is still being created.
   * - 3: it has ended, and another may replace it.
   */
  readonly rank: 0 | 1 | 2 | 3;
  /** Such as `ImagePullBackOff: shop:1.2.9: not found`. */
  readonly text: string;
}

/** Longest explanation that a cause quotes, in bytes. */
const LONGEST = 256;

/** A message of the kubelet or a registry, as a cause quotes it. Without the queries of URLs, which may hold a registry's token. */
export const quoted = (text: string): string =>
  shortened(
    text
      .replace(/\?[^\s"']+/g, '')
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim(),
    LONGEST,
  );

/** `Reason: message`, or the reason alone. */
export const causeText = (reason: string, message: string | undefined): string =>
  message === undefined || message === '' ? reason : `${reason}: ${quoted(message)}`;

/**
 * Why a container is not ready. The kubelet alternates between several states while it retries. A container that crashes is running
 * or waiting. A container without an image is `ErrImagePull` or `ImagePullBackOff`. Such states have one text, so that the message
 * stays the same.
 */
export function containerCause(container: PodContainer, status: ContainerStatus): Cause | undefined {
  const cause = stateCause(container, status);
  if (cause === undefined || container.name === CONTAINER) return cause;
  return { ...cause, text: `${cause.text} (container ${container.name})` };
}

function stateCause(container: PodContainer, status: ContainerStatus): Cause | undefined {
  const { state = {}, lastState = {}, restartCount } = status;
  if (state.waiting?.reason !== undefined && !isBeingCreated(state.waiting.reason))
    return { rank: 0, text: waitingText(container, state.waiting, lastState.terminated) };
  const ended = state.terminated ?? (restartCount > 0 ? lastState.terminated : undefined);
  if (ended !== undefined) return { rank: 0, text: endedText(ended) };
  return state.running === undefined ? undefined : { rank: 1, text: unhealthyText(container, status) };
}

const isBeingCreated = (reason: string): boolean => reason === 'ContainerCreating' || reason === 'PodInitializing';

type State = NonNullable<ContainerStatus['state']>;

/** For these waiting reasons, a cause reports how the previous attempt ended. */
const AFTER_AN_END: ReadonlySet<string> = new Set(['CrashLoopBackOff', 'RunContainerError']);

function waitingText(
  { image = '' }: PodContainer,
  { reason = '', message = '' }: NonNullable<State['waiting']>,
  ended: State['terminated'],
): string {
  if (reason === 'ErrImagePull' || reason === 'ImagePullBackOff')
    return causeText('ImagePullBackOff', [image, pullError(message)].filter((part) => part !== '').join(': '));
  if (!AFTER_AN_END.has(reason)) return causeText(reason, message);
  if (ended !== undefined) return endedText(ended);
  // The message of CrashLoopBackOff is a wait that changes each time.
  return causeText(reason, reason === 'CrashLoopBackOff' ? '' : message);
}

/** The registry's answer alone. Each step on the way to it adds a prefix that repeats the image. */
const pullError = (message: string): string =>
  message
    .replace(/^Back-off pulling image "[^"]*"(: )?/, '')
    .replace(/^ErrImagePull: /, '')
    .replace(/^rpc error: code = \w+ desc = /, '')
    .replace(/^(failed to (pull and unpack image|resolve reference|pull image|copy) "[^"]*": )+/, '')
    .replace(/^[\w./@-]+(:\d+[\w./-]*)?:[\w.-]+: /, '');

/** Reasons whose message comes from the container runtime. Any other message may come from the program. */
const OF_THE_RUNTIME: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/** The message of a container that has ended is the program's own output and may hold secrets, so it is not quoted. */
function endedText({ reason = '', message, exitCode, signal }: NonNullable<State['terminated']>): string {
  if (reason === 'OOMKilled') return reason;
  if (OF_THE_RUNTIME.has(reason)) return causeText(reason, message);
  return `CrashLoopBackOff: ${signal === undefined || signal === 0 ? `exit code ${exitCode}` : `signal ${signal}`}`;
}

type Probe = NonNullable<PodContainer['readinessProbe']>;

function unhealthyText(container: PodContainer, { started }: ContainerStatus): string {
  const { startupProbe, readinessProbe } = container;
  if (started === false && startupProbe !== undefined)
    return `Unhealthy: the startup probe ${probeText(startupProbe, container)} does not succeed`;
  return readinessProbe === undefined
    ? 'Unhealthy: the container is not ready'
    : `Unhealthy: the readiness probe ${probeText(readinessProbe, container)} does not succeed`;
}

function probeText({ httpGet, tcpSocket, grpc }: Probe, { ports = [] }: PodContainer): string {
  // Our probes name the port, and the user of a Website knows its number.
  const numberOf = (port: number | string) => ports.find(({ name }) => name === port)?.containerPort ?? port;
  if (httpGet !== undefined) return quoted(`GET :${numberOf(httpGet.port)}${httpGet.path ?? '/'}`);
  if (tcpSocket !== undefined) return `TCP :${numberOf(tcpSocket.port)}`;
  return grpc === undefined ? 'command' : `gRPC :${grpc.port}`;
}
