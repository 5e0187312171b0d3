import type { Rule } from './rules.ts';

/** `{name}-deployment` and `{name}-service` must fit into 63 characters, and the name of a Service must start with a letter. */
export const NAME_RULES: readonly Rule<string>[] = [
  {
    cel: 'self.metadata.name.size() <= 52',
    holds: (name) => name.length <= 52,
    message: 'metadata.name must be at most 52 characters, because the children are named after it',
  },
  {
    cel: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    holds: (name) => /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name),
    message: 'metadata.name must be a DNS label that starts with a letter: lower-case letters, digits and -',
  },
];
