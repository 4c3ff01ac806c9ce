/** What the server itself writes into the log of a group: each change of the group, as data. */
import { Type, type Static } from 'typebox';
import { Id, Lines, Name, strictObject } from './schemas.ts';

export const Title = Name(100, 'The name of a group.');
export const Description = Lines(500, 'What a group is about.');

const whoMay = (what: string) => Type.Enum(['everyone', 'admins'], { description: `Who may ${what}: every member, or its owner and admins.` });

const settingFields = {
  send: whoMay('send messages'),
  add: whoMay('add members'),
  change: whoMay('change title, description and photo'),
  history: Type.Enum(['everyone', 'joined'], { description: 'Who may see a message: every member, also those who joined later, or those who had joined before it.' }),
};

/** Who may do what in a group, as far as its owner and admins can choose. */
export const GroupSettings = strictObject(settingFields, { title: 'GroupSettings' });
export type GroupSettings = Static<typeof GroupSettings>;

/** Some of the settings: those that change. */
export const SettingChanges = strictObject(
  { send: Type.Optional(settingFields.send), add: Type.Optional(settingFields.add), change: Type.Optional(settingFields.change), history: Type.Optional(settingFields.history) },
  { title: 'SettingChanges' },
);
export type SettingChanges = Static<typeof SettingChanges>;

export const noticeTypes = [
  'group.created',
  'group.updated',
  'group.ended',
  'member.added',
  'member.left',
  'member.removed',
  'member.banned',
  'member.unbanned',
  'member.promoted',
  'member.demoted',
  'owner.changed',
] as const;

export const Notice = strictObject(
  {
    type: Type.Enum([...noticeTypes]),
    actorId: Id,
    targetIds: Type.Optional(Type.Array(Id, { description: 'Whom it has happened to.' })),
    ownerId: Type.Optional(Id),
    title: Type.Optional(Title),
    description: Type.Optional(Type.Union([Description, Type.Null()], { description: 'Null where it was taken away.' })),
    photo: Type.Optional(Type.Enum(['set', 'removed'], { description: 'What has become of the photo: the chat says where it is.' })),
    settings: Type.Optional(SettingChanges),
  },
  { title: 'Notice', description: 'A change of the group: who has done what to whom. `ownerId` is the new owner, where the one before has left.' },
);
export type Notice = Static<typeof Notice>;
