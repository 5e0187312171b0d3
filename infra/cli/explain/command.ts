import { websiteNamed, type ClusterCommand } from '../command.ts';
import { DEFAULT_OPTIONS, defaultsFrom, type DefaultFlags } from '../defaults.ts';
import { EXIT } from '../errors.ts';
import { explain } from './explain.ts';
import { explanationText } from './explain-text.ts';
import { isReady } from '../list.ts';

export const explainCommand: ClusterCommand<DefaultFlags> = {
  usage: 'explain <name>',
  about: 'Say on one page whether a Website is Ready, why not, and what to do. Exit code 3 if it is not Ready',
  options: DEFAULT_OPTIONS,
  examples: ['explain shop', 'explain team-a/shop -o json'],
  async ask(surroundings, flags, [name = '']) {
    const website = await websiteNamed(name, surroundings);
    const now = surroundings.now();
    const explanation = await explain(website, { ...surroundings, now, defaults: defaultsFrom(flags) });
    return { text: explanationText(explanation, now), data: explanation, code: isReady(website) ? EXIT.ok : EXIT.no };
  },
};
