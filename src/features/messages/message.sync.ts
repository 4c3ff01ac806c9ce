/** Catching up: from the places a client has come to, page by page, to the state of one who never left. */
import type { Caller } from '../../core/contract.ts';
import type { Place } from '../../core/schemas.ts';
import type { Chat } from '../chats/chats.contract.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { MessageHistory } from './message.history.ts';
import type { SyncedChat } from './messages.contract.ts';
import type { MessagesService } from './messages.service.ts';

/** Most chats in one answer. */
const chatsPerPage = 100;
const beginning: Place = { seq: 0, rev: 0 };

export interface SyncParts {
  chats: ChatsService;
  history: MessageHistory;
}

export function createSync({ chats, history }: SyncParts): MessagesService['sync'] {
  return async (caller: Caller, { chats: places, limit, after }) => {
    const mine = await chats.idsOf(caller.userId);
    const page = mine.filter((id) => after === undefined || id > after).slice(0, chatsPerPage);
    const heads = await history.heads(page);
    const views = await chats.findChats(page);

    const synced: SyncedChat[] = [];
    let left = limit;
    for (const id of page) {
      const chat = views.get(id);
      const head = heads.get(id)?.place;
      if (!chat || !head) continue;
      const entry = await syncChat(history, chat, { from: places[id] ?? beginning, head, limit: left });
      synced.push(entry);
      left -= entry.messages.length;
      if (entry.more || left === 0) break;
    }
    const whole = synced.filter((entry) => !entry.more).at(-1)?.chat.id ?? after;
    return {
      chats: synced,
      gone: after === undefined ? Object.keys(places).filter((id) => !mine.includes(id)) : [],
      more: mine.some((id) => whole === undefined || id > whole),
      ...(whole !== undefined && { after: whole }),
    };
  };
}

async function syncChat(history: MessageHistory, chat: Chat, { from, head, limit }: { from: Place; head: Place; limit: number }): Promise<SyncedChat> {
  const known: Place = { seq: Math.min(from.seq, head.seq), rev: Math.min(from.rev, head.rev) };
  const { messages, place } = await history.since(chat.id, known, head, limit);
  return { chat, place, messages, more: place.seq < head.seq || place.rev < head.rev };
}

