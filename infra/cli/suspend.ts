import { resumed, suspended } from './change.ts';
import { known, type ClusterCommand } from './command.ts';

export const suspendCommand: ClusterCommand<object> = {
  usage: 'suspend <name>',
  about: 'Leave the children of a Website as they are, until it is resumed',
  examples: ['suspend shop'],
  async ask(surroundings, _, [name = '']) {
    const website = await known(name, surroundings, async (key) => suspended(surroundings.transport, key));
    const { namespace } = website.metadata;
    const text = `Suspended ${namespace}/${website.metadata.name}. Its children stay as they are until: website resume ${website.metadata.name} -n ${namespace}`;
    return { text, data: website };
  },
};

export const resumeCommand: ClusterCommand<object> = {
  usage: 'resume <name>',
  about: 'Bring the children of a suspended Website to what its spec says',
  examples: ['resume shop'],
  async ask(surroundings, _, [name = '']) {
    const website = await known(name, surroundings, async (key) => resumed(surroundings.transport, key));
    return { text: `Resumed ${website.metadata.namespace}/${website.metadata.name}.`, data: website };
  },
};
