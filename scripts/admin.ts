/** `npm run admin -- <command>`: what an operator does now and then, on the configuration of the server, be it running or not. */
import { existsSync } from 'node:fs';
import type { Connection } from 'mongoose';
import { readConfig, type Config } from '../src/config.ts';
import { StartupError } from '../src/core/startup.error.ts';
import { fileCollection } from '../src/features/files/file.model.ts';
import { moveFiles } from '../src/features/files/file.moving.ts';
import { prepareDataDir } from '../src/plugins/data.dir.ts';
import { createMedia, createStores } from '../src/plugins/media/index.ts';
import { connectMongo, prepareStore } from '../src/plugins/mongo.ts';
import { borrowMongod } from '../src/plugins/mongod/borrow.ts';
import { reindexMessages } from '../src/services.ts';

interface Command {
  summary: string;
  /** What may follow its name; exactly one of them has to. */
  choices?: readonly string[];
  run: (store: Store, choice: string) => Promise<void>;
}

interface Store {
  connection: Connection;
  uri: string;
  config: Config;
}

const commands: Record<string, Command> = {
  reindex: {
    summary: 'builds what search finds messages by anew, from the messages',
    async run({ connection, uri }) {
      // Not before the indexes: whoever dropped the collection has dropped them, too.
      await reindexMessages(connection, { prepare: () => prepareStore(uri, connection), onProgress: (chats) => say(`chats done: ${chats}`) });
    },
  },
  'move-files': {
    summary: 'brings all files and photos there, from the other of the two; CLOUDINARY_URL has to be set',
    choices: ['disk', 'cloudinary'],
    async run({ connection, config }, choice) {
      const { cloudinaryUrl } = config;
      if (cloudinaryUrl === undefined) throw new StartupError('Set CLOUDINARY_URL to the account that files are moved to or from.');
      await prepareDataDir(config.dataDir);
      const { spool } = await createMedia(config);
      const { disk, cloudinary } = await createStores({ ...config, cloudinaryUrl });
      const [from, to] = choice === 'disk' ? [cloudinary, disk] : [disk, cloudinary];
      const moved = await moveFiles({ files: fileCollection(connection), from, to, spool, onProgress: (done) => done % 100 === 0 && say(`files looked at: ${done}`) });
      say(`files moved: ${moved}`);
    },
  },
};

const usage = ['Usage: npm run admin -- <command>', ...Object.entries(commands).map(([name, { summary, choices = [] }]) => `  ${[name, choices.join('|')].join(' ').trim()}  ${summary}`)].join('\n');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function run({ run: work }: Command, choice: string): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = readConfig(process.env);
  const { mongodbUri, dataDir, mongod } = config;
  const carryOut = (uri: string) => withConnection(uri, (connection) => work({ connection, uri, config }, choice));
  if (mongodbUri !== undefined) return carryOut(mongodbUri);
  await prepareDataDir(dataDir);
  const store = await borrowMongod({ ...mongod, dataDir, report: say });
  try {
    await carryOut(store.uri);
  } finally {
    await store.giveBack();
  }
}

async function withConnection(uri: string, work: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await connectMongo(uri);
  try {
    await work(connection);
  } finally {
    await connection.close();
  }
}

const [name = '', ...others] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
const [choice = ''] = others;
if (!command || others.length !== (command.choices ? 1 : 0) || (command.choices && !command.choices.includes(choice))) {
  say(usage);
  process.exitCode = 2;
} else {
  try {
    await run(command, choice);
    say(`${name} is done.`);
  } catch (error) {
    say(error instanceof StartupError ? error.message : `${name} has failed: ${error instanceof Error ? error.message : String(error)}. It can be repeated at any time.`);
    process.exitCode = 1;
  }
}
