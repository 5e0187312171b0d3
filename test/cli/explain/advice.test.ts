import { describe, expect, it } from 'vitest';
import { READY_REASONS } from '../../../functions/website/reasons.ts';
import { adviceOn, adviceOnStatus } from '../../../infra/cli/explain/advice.ts';

const key = { namespace: 'team-a', name: 'blog' };

describe('The advice on a reason', () => {
  it('names the Website and its namespace in its commands', () => {
    expect(adviceOn('Paused', key).toDo).toBe('kubectl rollout resume deployment/blog-deployment -n team-a');
    expect(adviceOn('ProgressDeadlineExceeded', key).toDo).toContain('kubectl describe pods -l app=blog -n team-a');
  });

  it.each(READY_REASONS)('%s names no other Website, and can be understood alone', (reason) => {
    const { means, toDo } = adviceOn(reason, key);
    expect(toDo).not.toMatch(/\b(shop|NAME|NAMESPACE)\b/);
    // The terminal shows neither links nor the other rows of the table.
    for (const text of [means, toDo]) expect(text).not.toMatch(/\b(as for|see above|see why|see the)\b/);
    for (const command of toDo.match(/kubectl \w+ \S+[^.,]*/g) ?? [])
      if (!command.startsWith('kubectl apply')) expect(command).toContain('-n team-a');
  });

  it.each(['Forbidden', 'InternalError', 'Rejected', 'TooLarge', 'Overridden'])(
    'that keeps the status from being written (%s) can be understood alone',
    (why) => {
      const { toDo = '' } = adviceOnStatus(why) ?? {};
      expect(toDo).not.toBe('');
      expect(toDo).not.toMatch(/\b(shop|NAME|NAMESPACE|above|below)\b/);
    },
  );

  it('covers the known causes in the Pods', () => {
    const causes = ['ImagePullBackOff: blog:1.2.9: not found', 'OOMKilled', 'OOMKilled', 'Invented: by a new kubelet'];
    const { toDo } = adviceOn('Progressing', key, causes);
    expect(toDo).toMatch(/^ImagePullBackOff: correct spec.image, or push the image/);
    expect(toDo.match(/OOMKilled: raise spec.resources.limits.memory/g)).toHaveLength(1);
    expect(toDo).not.toContain('Invented');
  });

  it('ignores unknown causes, and causes that are not why the site is not ready', () => {
    expect(adviceOn('Progressing', key, ['Invented'])).toEqual(adviceOn('Progressing', key));
    expect(adviceOn('QuotaExceeded', key, ['OOMKilled'])).toEqual(adviceOn('QuotaExceeded', key));
  });
});
