import { VERSION } from '../../../functions/version.ts';
import type { Finding } from './finding.ts';
import type { Program, Running } from './statuses.ts';

const ORDER =
  'update to one release in this order: the CRD and the rights, the functions, the forwarder, and this program (docs/upgrade.md)';

/**
 * Whether both programs are of the release of this program.
 * @param atUrls those that were asked at a URL that the user gave.
 */
export function versionsFinding(running: readonly Running[], atUrls: readonly Running[] = []): Finding {
  const check = 'versions';
  const known = running.flatMap(({ program, status }) => {
    if (status === 'older') return [{ program, version: 'an older release' }];
    return typeof status === 'object' && 'version' in status ? [{ program, version: status.version }] : [];
  });
  const unseen = (['functions', 'forwarder'] as const).filter(
    (program) => !known.some((each) => each.program === program),
  );
  const said = (['functions', 'forwarder'] as const).flatMap((program) => {
    const versions = new Set(known.filter((each) => each.program === program).map(({ version }) => version));
    return versions.size === 0 ? [] : [`${nameOf(program)} ${[...versions].join(' and ')}`];
  });
  const message = [...said, `this program ${VERSION}`].join(', ');
  if (known.some(({ version }) => version !== VERSION)) return { check, state: 'problem', message, toDo: ORDER };
  if (unseen.length === 0) return { check, state: 'ok', message };
  const hidden = unseen.map((program) => `the version of ${nameOf(program)} is not known`);
  const found = { check, message: [message, ...hidden].join('; ') };
  const silent = unseen.filter(
    (program) => !running.some((each) => each.program === program && each.status === 'azure'),
  );
  if (silent.length === 0)
    return {
      ...found,
      state: 'unchecked',
      toDo: 'compare it with what you deployed: Azure Functions do not say theirs',
    };
  return { ...found, state: 'unknown', toDo: toDoOf(silent, atUrls) };
}

function toDoOf(silent: readonly Program[], atUrls: readonly Running[]): string {
  const isAsked = (program: Program) => atUrls.some((each) => each.program === program);
  const [asked, others] = [silent.filter(isAsked), silent.filter((program) => !isAsked(program))];
  return [
    ...(asked.length === 0 ? [] : [`start ${asked.map(nameOf).join(' and ')}, or look at the log and the address`]),
    ...(others.length === 0 ? [] : [`give ${others.map((program) => `--${program}-url`).join(' and ')}`]),
  ].join('; ');
}

const nameOf = (program: Program): string => `the ${program}`;
