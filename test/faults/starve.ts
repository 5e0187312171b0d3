/** How little a process is left to run. */
export interface Starvation {
  readonly stoppedMs: number;
  readonly everyMs: number;
  /** The starvation ends after this time, even if the test never ends it. */
  readonly longestMs: number;
}

/** Stops a process for most of the time, as a machine does that is far too busy. @returns what ends it. */
export function starve(pid: number, { stoppedMs, everyMs, longestMs }: Starvation): () => void {
  const goOn = () => void process.kill(pid, 'SIGCONT');
  const timer = setInterval(() => {
    process.kill(pid, 'SIGSTOP');
    setTimeout(goOn, stoppedMs);
  }, everyMs);
  const end = () => {
    clearInterval(timer);
    clearTimeout(last);
    process.removeListener('exit', goOn);
    goOn();
  };
  const last = setTimeout(end, longestMs);
  process.once('exit', goOn);
  return end;
}
