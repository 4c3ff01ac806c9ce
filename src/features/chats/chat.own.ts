/** What is a member's own in a chat: muted, archived, pinned, cleared, hidden. Nobody else hears of it. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { hiddenAfter, withHidden, type SeqRange } from '../../core/view.ts';
import type { ChatAccess, CurrentMembership } from './chat.access.ts';
import type { ChatHistory } from './chat.views.ts';
import type { chatsContract, Mine } from './chats.contract.ts';
import type { ChatsService } from './chats.service.ts';
import { isIn, toMine, type MembershipDocument, type MembershipModel } from './membership.model.ts';

export interface OwnParts {
  memberships: MembershipModel;
  access: Pick<ChatAccess, 'requireMember'>;
  history: ChatHistory;
  bus: Bus<EventOf<typeof chatsContract>>;
}

type OwnFields = Pick<MembershipDocument, 'clearedSeq' | 'hidden' | 'mutedUntil' | 'archived' | 'pinned' | 'markedUnread'>;

/** What is to be set, and null for what is to be taken away. */
export type OwnChange = { [K in keyof OwnFields]?: NonNullable<OwnFields[K]> | null };

export interface OwnChanges extends Pick<ChatsService, 'arrange' | 'clear' | 'hide'> {
  /** Changes what is somebody's own as `decide` says, who sees it as it is; nothing if that is undefined. @throws CHAT_NOT_FOUND, BUSY */
  change(userId: Id, chatId: Id, decide: (membership: CurrentMembership) => OwnChange | undefined): Promise<Mine>;
}

/** How often a change begins anew because another device was faster, before it is called BUSY. */
const maximumAttempts = 20;

/** Ranges of hidden messages in one chat; whoever hides more does better to clear it. */
const hiddenAtMost = 1000;

export function createOwnChanges({ memberships, access, history, bus }: OwnParts): OwnChanges {
  const change: OwnChanges['change'] = async (userId, chatId, decide) => {
    for (let attempt = 0; attempt < maximumAttempts; attempt++) {
      const membership = await access.requireMember(userId, chatId);
      const wish = decide(membership);
      if (!wish || Object.keys(wish).length === 0) return toMine(membership);
      const same = { _id: membership._id, ownVersion: membership.ownVersion, ...isIn };
      const after = (await memberships.collection.findOneAndUpdate(same, toUpdate(wish), { returnDocument: 'after' })) as MembershipDocument | null;
      if (!after) continue;
      const mine = toMine(after);
      bus.publish(`user:${userId}`, { name: 'chat.arranged', payload: { chatId, mine } });
      return mine;
    }
    throw new AppError('BUSY');
  };

  return {
    change,
    arrange: (caller, { id, mutedUntil, ...flags }) => {
      const given = Object.entries(flags) as ['archived' | 'pinned' | 'markedUnread', boolean][];
      const until = mutedUntil === undefined ? {} : { mutedUntil: mutedUntil === null ? null : new Date(mutedUntil) };
      return change(caller.userId, id, (membership) => differing(membership, { ...until, ...Object.fromEntries(given.map(([key, value]) => [key, value || null])) }));
    },
    async clear(caller, { id }) {
      await access.requireMember(caller.userId, id);
      const seq = (await history.heads([id])).get(id)?.place.seq ?? 0;
      return change(caller.userId, id, ({ clearedSeq = 0, hidden = [] }) => (seq > clearedSeq ? { clearedSeq: seq, hidden: hiddenAfter(hidden, seq) } : undefined));
    },
    async hide(userId, chatId, range) {
      await change(userId, chatId, ({ hidden = [] }) => hiding(hidden, range));
    },
  };
}

function toUpdate(wish: OwnChange) {
  const given = Object.entries(wish);
  const unset = Object.fromEntries(given.filter(([, value]) => value === null).map(([key]) => [key, '' as const]));
  return {
    $set: Object.fromEntries(given.filter(([, value]) => value !== null)),
    ...(Object.keys(unset).length > 0 && { $unset: unset }),
    $inc: { ownVersion: 1 },
    $currentDate: { changedAt: true as const },
  };
}

/** Without what is so already. */
const differing = (membership: CurrentMembership, wish: OwnChange): OwnChange =>
  Object.fromEntries(Object.entries(wish).filter(([key, value]) => (membership[key as keyof OwnFields] ?? null)?.valueOf() !== value?.valueOf()));

function hiding(hidden: readonly SeqRange[], range: SeqRange): OwnChange | undefined {
  const wider = withHidden(hidden, range);
  if (wider.length > hiddenAtMost) throw new AppError('TOO_MUCH_HIDDEN');
  return { hidden: wider };
}
