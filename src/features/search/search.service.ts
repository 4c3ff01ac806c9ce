/** Search: what of a person's messages has the words they look for. */
import { createCallerTurns } from '../../core/caller.turns.ts';
import type { Caller, Service } from '../../core/contract.ts';
import { asSeen, type Message } from '../../core/message.ts';
import { nextTurn } from '../../core/event.loop.ts';
import { isVisible } from '../../core/view.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import { findCandidates, type Candidate, type Wanted } from './search.candidates.ts';
import type { searchContract } from './search.contract.ts';
import { behind, fromCursor, toCursor, type Position } from './search.cursor.ts';
import { bySender } from './search.filling.ts';
import { fromUuid } from './search.ids.ts';
import { toQuery, type Query } from './search.words.ts';
import type { TermCollection } from './term.model.ts';

export type SearchService = Service<typeof searchContract>;
type Request = Parameters<SearchService['messages']>[1];

export interface SearchParts {
  terms: TermCollection;
  chats: Pick<ChatsService, 'chatsOf' | 'viewsOf' | 'requireView'>;
  /** The messages as they are now: what the index says of them may be of a moment ago. */
  findMessages: (ids: readonly MessageId[], viewer: Id) => Promise<Message[]>;
}

/** Messages whose text is looked at for one answer, and characters of them all. */
const mostRead = 2000;
const longestRead = 200_000;
/** Characters after which others have their turn. */
const longestTurn = 4000;

export function createSearchService({ terms, chats, findMessages }: SearchParts): SearchService {
  const inTurn = createCallerTurns();
  const chatsOf = async ({ userId }: Caller, chatId: Id | undefined): Promise<Id[]> => {
    if (chatId === undefined) return chats.chatsOf(userId);
    await chats.requireView(userId, chatId);
    return [chatId];
  };

  /** Those of the candidates that do fit, in their order. */
  const read = async (candidates: readonly Candidate[], query: Query, { userId }: Caller, room: Room): Promise<Reading> => {
    const found = new Map((await findMessages(candidates.map(({ _id }) => fromUuid(_id)), userId)).map((message) => [message.id, message]));
    const { fitting, last } = await fit(candidates, found, query, room);
    return { messages: await seen(fitting, userId), last };
  };

  const seen = async (fitting: readonly Message[], userId: Id): Promise<Message[]> => {
    if (fitting.length === 0) return [];
    // Asked after the texts were read: whoever has been put out of a chat meanwhile gets nothing that was said since.
    const viewOf = await chats.viewsOf(userId, [...new Set(fitting.map(({ chatId }) => chatId))]);
    return fitting.flatMap((message) => {
      const view = viewOf(message.chatId);
      return view && isVisible(view, message.seq) ? [asSeen(message, view)] : [];
    });
  };

  return {
    // Texts are compared by this process, and it has others to serve.
    messages: inTurn(async (caller, request: Request) => {
      const query = toQuery(request.search);
      const chatIds = await chatsOf(caller, request.chatId);
      if (query.beginnings.length === 0) return { items: [], more: false };
      const wanted = { ...toWanted(request, query), chatIds, viewsOf: (among: readonly Id[]) => chats.viewsOf(caller.userId, among) };
      return collect(findCandidates(terms, wanted), request.limit, (candidates, room) => read(candidates, query, caller, room));
    }),
  };
}

function toWanted({ senderId, before, after, cursor }: Request, { beginnings, isVague }: Query): Omit<Wanted, 'chatIds' | 'viewsOf'> {
  const limits = [...(before === undefined ? [] : [behind(new Date(before))]), ...(cursor === undefined ? [] : [fromCursor(cursor)])];
  return {
    beginnings: senderId === undefined ? beginnings : [bySender(senderId), ...beginnings],
    isVague,
    after: after === undefined ? undefined : new Date(after),
    from: limits.sort((a, b) => a.at.getTime() - b.at.getTime())[0],
  };
}

type Page = Awaited<ReturnType<SearchService['messages']>>;

/** What may still be looked at for an answer. */
interface Room {
  fitting: number;
  characters: number;
}

interface Reading {
  messages: Message[];
  /** Where there was no room left for the candidates behind it. */
  last: Candidate | undefined;
}

/** In turn with whatever else this process has to do, and no more than there is room for. */
async function fit(candidates: readonly Candidate[], found: ReadonlyMap<MessageId, Message>, query: Query, room: Room): Promise<{ fitting: Message[]; last: Candidate | undefined }> {
  const fitting: Message[] = [];
  let untilTurn = longestTurn;
  for (const candidate of candidates) {
    const message = found.get(fromUuid(candidate._id));
    const { text } = message ?? {};
    if (!message || text === undefined) continue;
    if (query.fits(text)) fitting.push(message);
    room.characters -= text.length;
    if (fitting.length >= room.fitting || room.characters <= 0) return { fitting, last: candidate };
    untilTurn -= text.length;
    if (untilTurn > 0) continue;
    await nextTurn();
    untilTurn = longestTurn;
  }
  return { fitting, last: undefined };
}

async function collect(parts: ReturnType<typeof findCandidates>, limit: number, read: (candidates: readonly Candidate[], room: Room) => Promise<Reading>): Promise<Page> {
  const items: Message[] = [];
  const room = { fitting: limit + 1, characters: longestRead };
  let end: Position | undefined;
  let looked = 0;
  for await (const { candidates, end: partEnd } of parts) {
    const { messages, last } = candidates.length > 0 ? await read(candidates, room) : { messages: [], last: undefined };
    items.push(...messages);
    end = last ? { at: last.at, id: last._id.toString('hex') } : partEnd;
    looked += candidates.length;
    room.fitting -= messages.length;
    if (last || looked > mostRead) break;
  }
  const page = items.slice(0, limit);
  const last = page.at(-1);
  if (items.length > limit && last) end = { at: new Date(last.createdAt), id: last.id.replaceAll('-', '') };
  return end ? { items: page, more: true, cursor: toCursor(end) } : { items: page, more: false };
}
