/** A client's copy of its chats, kept as the protocol says: drop what is known, apply what comes next, sync on a jump. */
import type { Message, Place } from '../../src/core/message.ts';
import type { Output } from './people.ts';

type Synced = Output<'messages.sync'>;

export interface Replica {
  /** Takes an event; answers false on a jump, after which only a sync helps. */
  apply: (event: { name: string; payload: unknown }) => boolean;
  /** Fetches what is missing, page by page. */
  sync: (fetch: (chats: Record<string, Place>, cursor?: string) => Promise<Synced>) => Promise<void>;
  /** The messages of a chat by seq. */
  messagesOf: (chatId: string) => Message[];
}

export function createReplica(): Replica {
  let cursor: string | undefined;
  const places = new Map<string, Place>();
  const chats = new Map<string, Map<string, Message>>();

  const store = (message: Message): void => {
    chats.set(message.chatId, (chats.get(message.chatId) ?? new Map<string, Message>()).set(message.id, message));
  };

  return {
    apply({ name, payload }) {
      if (!name.startsWith('message.')) return true;
      const message = payload as Message;
      const place = places.get(message.chatId) ?? { seq: 0, rev: 0 };
      places.set(message.chatId, place);
      const kind = name === 'message.created' ? 'seq' : 'rev';
      const number = message[kind] ?? 0;
      if (number <= place[kind]) return true;
      // A change of a message that has not come yet is a jump, too: the message would come as it was first sent.
      if (number > place[kind] + 1 || (kind === 'rev' && message.seq > place.seq)) return false;
      place[kind] = number;
      store(message);
      return true;
    },
    async sync(fetch) {
      for (let more = true; more; ) {
        const answer = await fetch(Object.fromEntries(places), cursor);
        for (const { chat, place, messages } of answer.chats) {
          messages.forEach(store);
          places.set(chat.id, place);
        }
        for (const chatId of answer.gone) {
          places.delete(chatId);
          chats.delete(chatId);
        }
        ({ more, cursor } = answer);
      }
    },
    messagesOf: (chatId) => [...(chats.get(chatId)?.values() ?? [])].sort((a, b) => a.seq - b.seq),
  };
}
