/** `npm run admin -- <command>`: what an operator does now and then, on the configuration of the server, be it running or not. */
import { existsSync } from 'node:fs';
import type { Connection } from 'mongoose';
import { readConfig } from '../src/config.ts';
import { StartupError } from '../src/core/startup.error.ts';
import { prepareDataDir } from '../src/plugins/data.dir.ts';
import { connectMongo, prepareStore } from '../src/plugins/mongo.ts';
import { borrowMongod } from '../src/plugins/mongod/borrow.ts';
import { reindexMessages } from '../src/services.ts';

interface Command {
  summary: string;
  run: (connection: Connection, uri: string) => Promise<void>;
}

const commands: Record<string, Command> = {
  reindex: {
    summary: 'builds what search finds messages by anew, from the messages',
    async run(connection, uri) {
      // Not before the indexes: whoever dropped the collection has dropped them, too.
      await reindexMessages(connection, { prepare: () => prepareStore(uri, connection), onProgress: (chats) => say(`chats done: ${chats}`) });
    },
  },
};

const usage = ['Usage: npm run admin -- <command>', ...Object.entries(commands).map(([name, { summary }]) => `  ${name}  ${summary}`)].join('\n');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function run({ run: work }: Command): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const { mongodbUri, dataDir, mongod } = readConfig(process.env);
  if (mongodbUri !== undefined) return withConnection(mongodbUri, work);
  await prepareDataDir(dataDir);
  const store = await borrowMongod({ ...mongod, dataDir, report: say });
  try {
    await withConnection(store.uri, work);
  } finally {
    await store.giveBack();
  }
}

async function withConnection(uri: string, work: Command['run']): Promise<void> {
  const connection = await connectMongo(uri);
  try {
    await work(connection, uri);
  } finally {
    await connection.close();
  }
}

const [name = '', ...others] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) && others.length === 0 ? commands[name] : undefined;
if (!command) {
  say(usage);
  process.exitCode = 2;
} else {
  try {
    await run(command);
    say(`${name} is done.`);
  } catch (error) {
    say(error instanceof StartupError ? error.message : `${name} has failed: ${error instanceof Error ? error.message : String(error)}. It can be repeated at any time.`);
    process.exitCode = 1;
  }
}
