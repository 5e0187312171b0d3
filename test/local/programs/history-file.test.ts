import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkHistory } from '../../../infra/local/programs/history-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'history-file-'));
  file = join(folder, 'history.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A database with some pages. */
function written(): void {
  const database = new DatabaseSync(file);
  database.exec('CREATE TABLE runs (text TEXT); CREATE INDEX by_text ON runs (text)');
  const insert = database.prepare('INSERT INTO runs VALUES (?)');
  for (let run = 0; run < 500; run++) insert.run(`run ${run} `.repeat(20));
  database.close();
}

it.each([
  ['does not exist yet', () => {}],
  ['is empty', () => writeFileSync(file, '')],
  ['can be read', written],
])('A history that %s is fine', (_, prepare) => {
  prepare();
  expect(() => checkHistory(file)).not.toThrow();
});

it.each([
  ['garbage', () => writeFileSync(file, 'garbage'.repeat(100)), 'file is not a database'],
  ['a folder', () => mkdirSync(file), 'unable to open database file'],
  [
    'damaged in the middle',
    () => {
      written();
      const bytes = readFileSync(file);
      bytes.fill(0x55, bytes.length / 2);
      writeFileSync(file, bytes);
    },
    '',
  ],
])('A history that is %s leads to an error that names the file and what to do', (_, damage, why) => {
  damage();
  expect(() => checkHistory(file)).toThrow(`The history ${file} is damaged (${why}`);
  expect(() => checkHistory(file)).toThrow('Delete this file, delete the whole folder, or choose another with --data.');
});
