// Who else may decide how many Pods serve a site.
import * as z from 'zod';
import { int32 } from './numbers.ts';
import { oneOf, withRules, type Rule } from './rules.ts';

/** Most Pods of one site. */
export const MOST_REPLICAS = 1000;
/** A target is a percentage of what each Pod requests. It may exceed 100. */
const MOST_PERCENT = 1000;

const percent = (description: string) => int32(1, MOST_PERCENT).optional().describe(description);

interface Limits {
  readonly minReplicas?: number | undefined;
  readonly maxReplicas?: number | undefined;
  readonly cpuPercent?: number | undefined;
  readonly memoryPercent?: number | undefined;
}

const needsMaxReplicas = (field: 'minReplicas' | 'cpuPercent' | 'memoryPercent'): Rule<Limits> => ({
  cel: `has(self.maxReplicas) || !has(self.${field})`,
  holds: (limits) => limits.maxReplicas !== undefined || limits[field] === undefined,
  message: 'needs maxReplicas, and must be absent beside external',
  field,
});

export const autoscaling = withRules(
  z.object({
    minReplicas: int32(1, MOST_REPLICAS)
      .optional()
      .describe('Smallest number of Pods. Defaults to 1. Requires maxReplicas.'),
    maxReplicas: int32(1, MOST_REPLICAS)
      .optional()
      .describe('Largest number of Pods. The site gets a HorizontalPodAutoscaler, which decides how many there are.'),
    cpuPercent: percent(
      'CPU that the Pods should use on average, in percent of resources.requests.cpu. Defaults to 80 if memoryPercent is absent. Requires maxReplicas.',
    ),
    memoryPercent: percent(
      'Memory that the Pods should use on average, in percent of resources.requests.memory. Requires maxReplicas.',
    ),
    external: z
      .literal(true)
      .optional()
      .describe(
        'Something else scales this Website through its scale subresource, such as KEDA, a HorizontalPodAutoscaler of yours or kubectl scale. Leave replicas out of the manifest then.',
      ),
  }),
  [
    oneOf('maxReplicas', 'external'),
    needsMaxReplicas('minReplicas'),
    needsMaxReplicas('cpuPercent'),
    needsMaxReplicas('memoryPercent'),
    {
      cel: '!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas',
      holds: ({ minReplicas = 0, maxReplicas = Infinity }) => minReplicas <= maxReplicas,
      message: 'must be at most maxReplicas',
      field: 'minReplicas',
    },
  ],
)
  .optional()
  .describe('Something else decides how many Pods there are. replicas: 0 still parks it.');

/** An HPA or another autoscaler decides instead. */
export const replicasRule: Rule<{ readonly replicas?: unknown; readonly autoscaling?: unknown }> = {
  cel: 'has(self.replicas) || has(self.autoscaling)',
  holds: ({ replicas, autoscaling: other }) => replicas !== undefined || other !== undefined,
  message: 'must be given, such as replicas: 2, unless autoscaling is',
  field: 'replicas',
  reason: 'FieldValueRequired',
};
