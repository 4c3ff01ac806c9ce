/** Writes the files that are made from the code: `.env.example` from the schema of the environment. */
import { writeFileSync } from 'node:fs';
import type { TSchema } from 'typebox';
import { Environment } from '../src/config.ts';

const head = `# The environment that Parley reads. Copy this file to .env and change what you like.
# What is commented out has no default; an empty value counts as absent.
`;

/** `.env.example`: every key with what it is for and its default. */
export function envExample(): string {
  const entries = Object.entries<TSchema & { description?: string; default?: string | number }>(Environment.properties);
  const paragraphs = entries.map(([key, { description = '', default: value }]) => {
    const line = value === undefined ? `# ${key}=` : `${key}=${value}`;
    return `# ${description}\n${line}\n`;
  });
  return [head, ...paragraphs].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync('.env.example', envExample());
  console.log('.env.example is written.');
}
