import { keyText, type Website } from '../../functions/website/resource.ts';
import { resumed, suspended } from './change.ts';
import { askAbout, websiteNamed, type ClusterCommand } from './command.ts';

export const suspendCommand: ClusterCommand<object> = {
  usage: 'suspend <name>',
  about: 'Leave the children of a Website as they are, until it is resumed',
  examples: ['suspend shop'],
  async ask(surroundings, _, [name = '']) {
    const before = await websiteNamed(name, surroundings);
    const stays = `Its children stay as they are until: website resume ${before.metadata.name} -n ${before.metadata.namespace}`;
    if (isSuspended(before)) return { text: `${textOf(before)} was suspended already. ${stays}`, data: before };
    const website = await askAbout(name, surroundings, async (key) => suspended(surroundings.transport, key));
    return { text: `Suspended ${textOf(website)}. ${stays}`, data: website };
  },
};

export const resumeCommand: ClusterCommand<object> = {
  usage: 'resume <name>',
  about: 'Bring the children of a suspended Website to what its spec says',
  examples: ['resume shop'],
  async ask(surroundings, _, [name = '']) {
    const before = await websiteNamed(name, surroundings);
    if (!isSuspended(before)) return { text: `${textOf(before)} was not suspended.`, data: before };
    const website = await askAbout(name, surroundings, async (key) => resumed(surroundings.transport, key));
    return { text: `Resumed ${textOf(website)}.`, data: website };
  },
};

const isSuspended = ({ spec }: Website): boolean =>
  (spec as { readonly suspend?: unknown } | undefined)?.suspend === true;
const textOf = ({ metadata }: Website): string => keyText(metadata);
