import type { Source } from './binaries.ts';
import { officialReleases, unofficialReleases } from './download.ts';
import { goBuild } from './go-build.ts';

/** All ways to get missing programs, in the order to try them. */
export const allSources = (platform = process.platform): Source[] => [
  officialReleases(),
  ...(platform === 'linux' ? [] : [unofficialReleases()]),
  goBuild(),
];
