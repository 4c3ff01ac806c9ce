/** Catching up: from the places a client has come to, page by page, to the state of one who never left. */
import type { Caller } from '../../core/contract.ts';
import type { Message, Place } from '../../core/message.ts';
import type { ChatsService, ViewedChat } from '../chats/chats.service.ts';
import type { MessageHistory } from './message.history.ts';
import type { SyncedChat } from './messages.contract.ts';
import type { MessagesService } from './messages.service.ts';

/** Most chats in one answer. */
const chatsPerPage = 100;

/** Bytes of text after which an answer ends; it may go beyond by one read. */
const bytesPerPage = 1_000_000;
/** Messages read at once: with the longest of texts they fill a page. */
const messagesPerRead = 32;

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
    const views = await chats.findChats(caller.userId, page);

    const synced: SyncedChat[] = [];
    const left = { messages: limit, bytes: bytesPerPage };
    for (const id of page) {
      const chat = views.get(id);
      const head = heads.get(id)?.place;
      if (!chat || !head) continue;
      const entry = await syncChat(history, chat, { from: places[id] ?? beginning, head, left });
      synced.push(entry);
      if (entry.more || isSpent(left)) break;
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

/** What an answer may still hold. */
interface Room {
  messages: number;
  bytes: number;
}

const isSpent = ({ messages, bytes }: Room): boolean => messages <= 0 || bytes <= 0;
const isBefore = (place: Place, head: Place): boolean => place.seq < head.seq || place.rev < head.rev;

/** As much of a chat as there is room for, read in small pieces: a long page of long texts would take the memory of all. */
async function syncChat(history: MessageHistory, { chat, fromSeq }: ViewedChat, { from, head, left }: { from: Place; head: Place; left: Room }): Promise<SyncedChat> {
  let place: Place = { seq: Math.min(from.seq, head.seq), rev: Math.min(from.rev, head.rev) };
  const messages: Message[] = [];
  while (isBefore(place, head) && !isSpent(left)) {
    const next = await history.since(chat.id, { fromSeq }, { from: place, to: head, limit: Math.min(left.messages, messagesPerRead) });
    const isStuck = !isBefore(place, next.place);
    place = next.place;
    // A store that lags behind its own head must not keep us here.
    if (isStuck) break;
    messages.push(...next.messages);
    left.messages -= next.messages.length;
    for (const { text = '' } of next.messages) left.bytes -= Buffer.byteLength(text);
  }
  return { chat, place, messages, more: isBefore(place, head) };
}
