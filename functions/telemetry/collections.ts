import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';

/** Source: OpenTelemetry semantic conventions for V8, `v8js.gc.type`. */
const TYPES: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** Reports each garbage collection of this process from now on. */
export function observeCollections(record: (seconds: number, type: string) => void): void {
  const observer = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[])
      record(duration / 1000, TYPES[detail.kind] ?? 'other');
  });
  observer.observe({ entryTypes: ['gc'] });
}
