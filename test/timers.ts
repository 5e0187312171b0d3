/** A variable that makes timers of these milliseconds take others in a program. */
export function withTimers(changed: Readonly<Record<number, number>>): { readonly NODE_OPTIONS: string } {
  const script = `
    const [real, changed] = [setTimeout, ${JSON.stringify(changed)}];
    globalThis.setTimeout = (work, ms, ...rest) => real(work, changed[ms] ?? ms, ...rest);`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}
