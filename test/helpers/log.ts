/** The log of a server process without the server around it: several of them on one database are several processes. */
import type { TestContext } from 'node:test';
import type { mongo } from 'mongoose';
import type { AnyEvent } from '../../src/core/contract.ts';
import type { Message, StoredMessage } from '../../src/core/message.ts';
import { changeCollection, type Update } from '../../src/features/messages/change.model.ts';
import { createMessageChanges, type MessageChanges } from '../../src/features/messages/message.changes.ts';
import { createMessageHistory, type MessageHistory } from '../../src/features/messages/message.history.ts';
import { createMessageLog, type MessageLog, type MessageLogOptions } from '../../src/features/messages/message.log.ts';
import { messageCollection, type MessageCollection } from '../../src/features/messages/message.model.ts';
import { prepareStore } from '../../src/plugins/mongo.ts';
import { connect } from './app.ts';

/** What happens to one write: it is carried out; it never arrives; it is carried out, but the answer is lost. */
export type Fate = 'well' | 'never arrives' | 'answer lost';

/** A text, as these tests give it to the log. */
export interface TextDraft {
  id: string;
  chatId: string;
  senderId: string;
  text: string;
}

export interface LogProcess {
  log: Omit<MessageLog, 'append'> & { append: (draft: TextDraft) => ReturnType<MessageLog['append']> };
  changes: MessageChanges;
  history: MessageHistory;
  messages: MessageCollection;
  /** The message.created events in the order they were published. */
  events: AnyEvent[];
  /** The messages that were changed, in the order this was published. */
  changed: Message[];
  /** What was changed, in the same order. */
  updates: Update[];
  raised: StoredMessage[];
  /** How often an insert was sent to MongoDB. */
  inserts: () => number;
}

export interface LogProcessOptions extends Pick<MessageLogOptions, 'limits'> {
  /** The fate of the next insert; well, when there is none. */
  fate?: () => Fate | undefined;
  /** The fate of the next step of a change. */
  changeFate?: () => Fate | undefined;
  /** Awaited before a change is applied: a message may have to be hidden from somebody. */
  hide?: () => Promise<void>;
  /** Awaited before each insert: a write can be held back. */
  hold?: () => Promise<void>;
  /** Awaited after each insert: so can its answer. */
  holdAnswer?: () => Promise<void>;
}

class LostConnection extends Error {
  override readonly name = 'MongoNetworkError';
}

export async function createLogProcess(t: TestContext, uri: string, { fate = () => undefined, changeFate = () => undefined, hide = () => Promise.resolve(), hold, holdAnswer, limits = {} }: LogProcessOptions = {}): Promise<LogProcess> {
  const connection = await connect(t, uri);
  const messages = messageCollection(connection);
  const changes = changeCollection(connection);
  await prepareStore(uri, connection);
  const events: AnyEvent[] = [];
  const raised: StoredMessage[] = [];
  const changed: Message[] = [];
  const updates: Update[] = [];
  let inserts = 0;

  const command = async (document: mongo.Document): Promise<mongo.Document> => {
    if (!('insert' in document)) return messages.db.command(document);
    inserts += 1;
    await hold?.();
    const reply = await suffer(fate(), () => messages.db.command(document));
    await holdAnswer?.();
    return reply;
  };
  const log = createMessageLog({
    messages: withCommand(messages, command),
    chats: {
      raise: (message) => void raised.push(message),
      look: () => Promise.resolve({ storedSeq: Number.MAX_SAFE_INTEGER, isCurrent: true }),
      settle: () => Promise.resolve(),
      requireSender: () => Promise.resolve(),
    },
    onStored: (message: Message) => void events.push({ name: 'message.created', payload: message }),
    onError: () => undefined,
    settlingTime: 1,
    limits,
  });
  const made = createMessageChanges({
    messages: withFate(messages, ['findOneAndUpdate'], changeFate),
    changes: withFate(changes, ['insertOne', 'replaceOne'], changeFate),
    chats: { hideFromBlockers: hide, catchUp: () => Promise.resolve() },
    onChanged(message, update) {
      changed.push(message);
      updates.push(update);
    },
    release: () => Promise.resolve(),
    onError: () => undefined,
    settlingTime: 1,
  });
  t.after(() => made.stop());
  const append = ({ id, chatId, senderId, text }: TextDraft) => log.append({ id, chatId, senderId, content: { kind: 'text', text } });
  return { log: { ...log, append }, changes: made, history: createMessageHistory(messages, log), messages, events, changed, updates, raised, inserts: () => inserts };
}

async function suffer<T>(fate: Fate = 'well', write: () => Promise<T>): Promise<T> {
  if (fate === 'never arrives') throw new LostConnection('the connection broke before the write');
  const reply = await write();
  if (fate === 'answer lost') throw new LostConnection('the connection broke after the write');
  return reply;
}

/** The real collection, some of whose methods meet the next fate. */
function withFate<T extends mongo.Document>(collection: mongo.Collection<T>, fateful: readonly string[], fate: () => Fate | undefined): mongo.Collection<T> {
  return new Proxy(collection, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...parameters: unknown[]) => Promise<unknown>;
      return fateful.includes(String(key)) ? (...parameters: unknown[]) => suffer(fate(), () => method(...parameters)) : method;
    },
  });
}

/** The real collection, with its database's commands going through ours. */
function withCommand(messages: MessageCollection, command: (document: mongo.Document) => Promise<mongo.Document>): MessageCollection {
  const db = new Proxy(messages.db, { get: (target, key) => (key === 'command' ? command : (Reflect.get(target, key, target) as unknown)) });
  return new Proxy(messages, {
    get(target, key) {
      if (key === 'db') return db;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
