import { afterEach, expect, it } from 'vitest';
import { Renewals } from '../../../infra/local/programs/renewals.ts';
import { eventually } from '../../eventually.ts';

let renewals: Renewals | undefined;
afterEach(() => renewals?.stop());

const HOUR_MS = 60 * 60 * 1000;
const inMs = (ms: number) => new Date(Date.now() + ms);

function renewalsWith(onTrouble: (error: unknown) => void = () => {}): Renewals {
  renewals = new Renewals({ onTrouble, againMs: 10 });
  return renewals;
}

it('Credentials are renewed before they expire', async () => {
  const lives: number[] = [];
  let expires = new Date();
  await renewalsWith().add(async () => {
    lives.push(expires.getTime() - Date.now());
    expires = inMs(lives.length < 2 ? 3_000 : HOUR_MS);
    return expires;
  });
  await eventually(() => expect(lives).toHaveLength(2));
  expect(lives[1]).toBeGreaterThan(0);
  expect(lives[1]).toBeLessThan(2_000);
});

it('All credentials are renewed soon after some are refused', async () => {
  const written: string[] = [];
  const own = renewalsWith();
  for (const name of ['first', 'second'])
    await own.add(async () => {
      written.push(name);
      return inMs(HOUR_MS);
    });
  own.refused();
  await eventually(() => expect(written).toEqual(['first', 'second', 'first', 'second']));
});

it('A failed renewal is reported and tried again, and the other credentials are renewed', async () => {
  const troubles: unknown[] = [];
  const own = renewalsWith((error) => troubles.push(error));
  let calls = 0;
  await own.add(async () => {
    if (++calls === 2) throw new Error('serviceaccounts "website-functions" not found');
    return inMs(HOUR_MS);
  });
  let others = 0;
  await own.add(async () => {
    others++;
    return inMs(HOUR_MS);
  });
  own.refused();
  await eventually(() => expect([calls, others]).toEqual([3, 3]));
  expect(troubles).toEqual([new Error('serviceaccounts "website-functions" not found')]);
});

it('Credentials that cannot be written the first time lead to an error', async () => {
  await expect(renewalsWith().add(() => Promise.reject(new Error('forbidden')))).rejects.toThrow('forbidden');
});

it('After stop, nothing is renewed', async () => {
  let calls = 0;
  const own = renewalsWith();
  await own.add(async () => {
    calls++;
    return inMs(HOUR_MS);
  });
  own.stop();
  own.refused();
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toBe(1);
});
