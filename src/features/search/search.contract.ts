/** Search: messages of mine by the words in them. */
import { Type } from 'typebox';
import { operation } from '../../core/contract.ts';
import { Message } from '../../core/message.ts';
import { Cursor, Id, Limit, Line, strictObject, Timestamp } from '../../core/schemas.ts';

export const searchContract = {
  operations: {
    'search.messages': operation({
      summary: 'Messages in my chats that have all of these words, or words that begin so, the newest first.',
      access: 'user',
      rate: { per: 'caller', count: 5, seconds: 1, burst: 30 },
      input: strictObject({
        search: Line(200, 'One word or several; all of them have to fit. Case and accents make no difference.'),
        chatId: Type.Optional(Id),
        senderId: Type.Optional(Id),
        before: Type.Optional(Timestamp),
        after: Type.Optional(Timestamp),
        cursor: Type.Optional(Cursor),
        limit: Limit(20),
      }),
      output: strictObject({
        items: Type.Array(Message),
        more: Type.Boolean({ description: 'Ask again with `cursor`. After a long search for words that are common and hardly ever together there may be more behind a page that is not full.' }),
        cursor: Type.Optional(Cursor),
      }),
      errors: ['CHAT_NOT_FOUND', 'BUSY'],
    }),
  },
  events: {},
};
