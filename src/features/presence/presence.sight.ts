/** Who may see of whom whether they are here. It is the same both ways: who does not show it does not see it. */
import type { Id } from '../../core/schemas.ts';
import type { ChatsService, ContactsAmong } from '../chats/chats.service.ts';
import type { LastSeen, UsersService } from '../users/users.service.ts';

export interface SightParts {
  users: Pick<UsersService, 'findLastSeen'>;
  chats: Pick<ChatsService, 'contactsAmong'>;
  /** Those of the others between whom and this person there is a block, whoever has made it. */
  apartFrom: (userId: Id, others: readonly Id[]) => Promise<ReadonlySet<Id>>;
}

export interface Sight {
  /** Those of the others whom somebody may see, each with when they were last here, as far as it is known. */
  seenBy(viewer: Id, others: readonly Id[]): Promise<Map<Id, LastSeen>>;
  /** Of each person those of the others who may see them. */
  viewersOf(watchers: ReadonlyMap<Id, ReadonlySet<Id>>): Promise<Map<Id, Set<Id>>>;
}

export function createSight({ users, chats, apartFrom }: SightParts): Sight {
  return {
    async seenBy(viewer, others) {
      // All of it for each of them, so that the time it takes does not tell what was found.
      const [settings, contacts, apart] = await Promise.all([users.findLastSeen([viewer, ...others]), chats.contactsAmong(viewer, others), apartFrom(viewer, others)]);
      return new Map(others.flatMap((id) => {
        const other = settings.get(id);
        return other && mayMeet(viewer, id, settings, contacts, apart) ? [[id, other] as const] : [];
      }));
    },
    async viewersOf(watchers) {
      const settings = await users.findLastSeen([...new Set([...watchers].flatMap(([id, those]) => [id, ...those]))]);
      const found = [...watchers].map(async ([id, those]) => {
        const open = [...those].filter((other) => isOpen(settings, id) && isOpen(settings, other));
        const choosy = open.filter((other) => [id, other].some((one) => settings.get(one)?.toldTo === 'contacts'));
        const [contacts, apart] = await Promise.all([choosy.length > 0 ? chats.contactsAmong(id, choosy) : noContacts, open.length > 0 ? apartFrom(id, open) : new Set<Id>()]);
        return [id, new Set([...those].filter((other) => mayMeet(id, other, settings, contacts, apart)))] as const;
      });
      return new Map(await Promise.all(found));
    },
  };
}

type Settings = ReadonlyMap<Id, LastSeen>;

/** Whether they show it to anybody. */
const isOpen = (settings: Settings, id: Id): boolean => (settings.get(id)?.toldTo ?? 'nobody') !== 'nobody';

const noContacts: ContactsAmong = { contacts: new Set(), contactOf: new Set() };

function mayMeet(one: Id, other: Id, settings: Settings, { contacts, contactOf }: ContactsAmong, apart: ReadonlySet<Id>): boolean {
  if (one === other) return true;
  if (apart.has(other) || !isOpen(settings, one) || !isOpen(settings, other)) return false;
  const tellsAll = (id: Id): boolean => settings.get(id)?.toldTo === 'everyone';
  return (tellsAll(one) || contacts.has(other)) && (tellsAll(other) || contactOf.has(other));
}
