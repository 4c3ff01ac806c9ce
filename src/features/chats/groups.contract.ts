/** Groups: making them, who is in them and as what, and how they end. */
import { Type } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { Message } from '../../core/message.ts';
import { Description, SettingChanges, Title } from '../../core/notice.ts';
import { ordinary } from '../../core/rate.ts';
import { Id, Limit, MessageId, Nothing, pageOf, strictObject } from '../../core/schemas.ts';
import { photoErrors, User } from '../users/users.contract.ts';
import { ChatInfo, ChatSummary, Member, Role } from './chats.contract.ts';

/** Most people in a group. */
export const largestGroup = 5000;

/** Most people of whom one notice tells; so that many are added to a group at once. */
export const toldInNotice = 200;

const people = (maximum: number) => Type.Array(Id, { minItems: 1, maxItems: maximum, uniqueItems: true });
const aTarget = strictObject({ id: Id, userId: Id });
const limit = Limit(100, 500);

/** What it takes to change a group: each change is a notice in its log. */
const rate = { per: 'caller', count: 5, seconds: 1, burst: 100 } as const;

export const groupsContract = {
  operations: {
    'groups.create': operation({
      summary: 'A new group, with me as its owner. People who do not want to be added are left out. Repeated with the same key it is made once; the key of another is a CONFLICT.',
      access: 'user',
      rate: { per: 'caller', count: 10, seconds: 60, burst: 30 },
      input: strictObject({
        key: Type.Optional(MessageId),
        title: Title,
        description: Type.Optional(Description),
        settings: Type.Optional(SettingChanges),
        userIds: Type.Array(Id, { default: [], maxItems: largestGroup - 1, uniqueItems: true }),
      }),
      output: ChatSummary,
      errors: ['CHAT_NOT_FOUND', 'CONFLICT', 'BUSY'],
    }),
    'groups.update': operation({
      summary: 'Change the title, the description, the photo (null takes them away) or the settings of a group.',
      access: 'user',
      rate,
      input: strictObject({ id: Id, title: Type.Optional(Title), description: Type.Optional(Type.Union([Description, Type.Null()])), photo: Type.Optional(Type.Union([Id, Type.Null()], { description: 'The id of an image that I have sent in, of 10 MB at most: what is in its middle is made square.' })), settings: Type.Optional(SettingChanges) }),
      output: ChatInfo,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', ...photoErrors],
    }),
    'groups.remove': operation({
      summary: 'End a group for everybody in it.',
      access: 'user',
      rate,
      input: strictObject({ id: Id }),
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'BUSY'],
    }),
    'groups.members': operation({
      summary: 'Who is in a group, by ascending id.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id, after: Type.Optional(Id), limit }, { description: 'after: the last person of the page already seen.' }),
      output: pageOf(Member),
      errors: ['CHAT_NOT_FOUND'],
    }),
    'groups.add': operation({
      summary: 'Add people to a group. Those who are in it, are banned or do not want to be added are left out.',
      access: 'user',
      rate,
      input: strictObject({ id: Id, userIds: people(toldInNotice) }),
      output: strictObject({ added: Type.Array(Id, { description: 'Those who are in the group by this.' }) }),
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'GROUP_FULL', 'BUSY'],
    }),
    'groups.expel': operation({
      summary: 'Remove somebody from a group.',
      access: 'user',
      rate,
      input: aTarget,
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'MEMBER_NOT_FOUND', 'BUSY'],
    }),
    'groups.leave': operation({
      summary: 'Leave a group. If I own it, the longest-serving admin does from then on, or else the longest-serving member; the last one ends it.',
      access: 'user',
      rate,
      input: strictObject({ id: Id }),
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'BUSY'],
    }),
    'groups.ban': operation({
      summary: 'Remove somebody from a group and see to it that nobody adds them again.',
      access: 'user',
      rate,
      input: aTarget,
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'USER_NOT_FOUND', 'BUSY'],
    }),
    'groups.unban': operation({
      summary: 'Let somebody who was banned be added again.',
      access: 'user',
      rate,
      input: aTarget,
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'BUSY'],
    }),
    'groups.banned': operation({
      summary: 'Who is banned from a group, by ascending id.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id, after: Type.Optional(Id), limit }),
      output: pageOf(User),
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED'],
    }),
    'groups.appoint': operation({
      summary: 'Give a member another role. To make somebody the owner is to give the group away: I am an admin then.',
      access: 'user',
      rate,
      input: strictObject({ id: Id, userId: Id, role: Role }),
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'MEMBER_NOT_FOUND', 'BUSY'],
    }),
  },
  events: {
    'notice.created': event({
      summary: 'A group of mine has changed. The notice is the next message of its log; with it comes what has changed by it.',
      payload: strictObject({
        message: Message,
        chat: ChatInfo,
        members: Type.Optional(Type.Array(strictObject({ ...Member.properties, deliveredSeq: Type.Optional(Member.properties.deliveredSeq) }), { description: 'Those who are new, with how far they have come, or who have another role, without. Absent where they are too many for an event: `messages.sync` brings them.' })),
        former: Type.Array(Id, { description: 'Those who are not in the group any more.' }),
      }),
    }),
  },
};
