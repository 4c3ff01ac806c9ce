/** The two who search, and the service they ask. */
import type { Connection } from 'mongoose';
import type { Caller } from '../../src/core/contract.ts';
import type { Message } from '../../src/core/message.ts';
import { createHub } from '../../src/delivery/hub.ts';
import { createServices } from '../../src/services.ts';

export interface Searcher {
  id: string;
  search: (input: { search: string; chatId?: string }) => Promise<{ items: Message[] }>;
  /** The chats they are in, the same order each time. */
  chatIds: () => Promise<string[]>;
}

export interface Searchers {
  all: Searcher;
  few: Searcher;
}

export async function searchersIn(connection: Connection): Promise<Searchers> {
  const { services } = createServices({
    connection,
    bus: createHub(),
    mailer: { send: () => Promise.resolve() },
    google: undefined,
    publicUrl: 'http://127.0.0.1',
    appUrl: undefined,
    returnPaths: ['/'],
    jwtSecrets: ['only for measuring, and never for tokens'],
    passwordCost: 4,
    marksGather: 250, presenceGather: 250, editWindow: Infinity, syncOverlap: 60_000, rateScale: 1,
    onError: (error) => console.error(error),
  });
  const searcher = (id: string): Searcher => {
    const caller: Caller = { userId: id, sessionId: id, expiresAt: new Date(), ip: '127.0.0.1', userAgent: 'bench', language: 'en' };
    return {
      id,
      search: (input) => services.search.messages(caller, { limit: 20, ...input }),
      chatIds: async () => [...(await services.chats.viewsOf(id)).keys()].sort(),
    };
  };
  return { all: searcher('a'.repeat(24)), few: searcher('b'.repeat(24)) };
}
