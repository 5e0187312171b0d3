import type { Progress } from './binaries.ts';

/** Progress where printed lines stay: a line that differs from the previous one only in its numbers is left out. */
export function plainProgress(print: (line: string) => void): Progress {
  let lastShape = '';
  return (line, lifetime = 'kept') => {
    const shape = line.replaceAll(/\d+/g, '');
    if (lifetime === 'kept' || shape !== lastShape) print(line);
    lastShape = shape;
  };
}
