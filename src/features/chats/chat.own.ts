/** What is a member's own in a chat: muted, archived, pinned, cleared, hidden. Nobody else hears of it. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import { countVisible, fewer, hiddenAfter, lastSeen, withHidden, type SeqRange } from '../../core/view.ts';
import type { ChatAccess } from './chat.access.ts';
import { lastSeqOf, type ChatHistory } from './chat.views.ts';
import type { chatsContract, Mine } from './chats.contract.ts';
import type { ChatsService } from './chats.service.ts';
import { isIn, toMine, toView, type MembershipDocument, type MembershipModel } from './membership.model.ts';

export interface OwnParts {
  memberships: MembershipModel;
  access: Pick<ChatAccess, 'requireMember'>;
  history: ChatHistory;
  bus: Bus<EventOf<typeof chatsContract>>;
}

type OwnFields = Pick<MembershipDocument, 'clearedSeq' | 'hidden' | 'withheld' | 'blockedFrom' | 'mutedUntil' | 'archived' | 'pinned' | 'markedUnread'>;

/** What is to be set, and null for what is to be taken away. */
export type OwnChange = { [K in keyof OwnFields]?: NonNullable<OwnFields[K]> | null };

/** Somebody, and a chat. */
export interface OwnPlace {
  userId: Id;
  chatId: Id;
}

type Decide = (membership: MembershipDocument) => OwnChange | undefined;

export interface OwnChanges extends Pick<ChatsService, 'arrange' | 'clear' | 'hide'> {
  /** Changes what is somebody's own as `decide` says, who sees it as it is; nothing if that is undefined. @throws CHAT_NOT_FOUND, BUSY */
  change(userId: Id, chatId: Id, decide: Decide): Promise<Mine>;
  /**
   * They do not see these messages any more, which are not meant for them. To refuse that would tell whose they are: of
   * very many ranges those nearest to each other become one. @throws CHAT_NOT_FOUND, BUSY
   */
  withhold(userId: Id, chatId: Id, range: SeqRange): Promise<void>;
  /** The same as change of a chat that may not be theirs to see. Their devices are told how it is now in any case. */
  rewriteUnseen(place: OwnPlace, decide: Decide): Promise<void>;
  /** Tells those of their devices that are connected here how it is now: another process may have changed it. */
  show(place: OwnPlace): Promise<void>;
  /** The same of the two of a private chat, but for what these devices know. */
  showToPair(chatId: Id): Promise<void>;
}

/** How often a change begins anew because another device was faster, before it is called BUSY. */
const maximumAttempts = 20;

/** Ranges of messages that somebody hides in one chat; whoever hides more does better to clear it. */
const hiddenAtMost = 1000;

export function createOwnChanges(parts: OwnParts): OwnChanges {
  const { access, history } = parts;
  const { rewrite, ...others } = createRewriting(parts);
  const change: OwnChanges['change'] = (userId, chatId, decide) => rewrite({ userId, chatId }, () => access.requireMember(userId, chatId), decide);

  return {
    change,
    ...others,
    arrange: (caller, { id, mutedUntil, ...flags }) => {
      const given = Object.entries(flags) as ['archived' | 'pinned' | 'markedUnread', boolean][];
      const until = mutedUntil === undefined ? {} : { mutedUntil: mutedUntil === null ? null : new Date(mutedUntil) };
      return change(caller.userId, id, (membership) => differing(membership, { ...until, ...Object.fromEntries(given.map(([key, value]) => [key, value || null])) }));
    },
    async clear(caller, { id, seq: wanted = Infinity }) {
      await access.requireMember(caller.userId, id);
      const seq = Math.min(wanted, await lastSeqOf(history, id));
      return change(caller.userId, id, (membership) => clearing(membership, seq));
    },
    async hide(userId, chatId, range) {
      await change(userId, chatId, ({ hidden = [] }) => hiding(hidden, range));
    },
    async withhold(userId, chatId, range) {
      await change(userId, chatId, withholding(range));
    },
  };
}

interface Rewriting extends Pick<OwnChanges, 'rewriteUnseen' | 'show' | 'showToPair'> {
  rewrite: (place: OwnPlace, read: () => Promise<MembershipDocument>, decide: Decide) => Promise<Mine>;
}

/** Writes, and tells the devices: one after another for each member, so that what is told last is the last. */
function createRewriting({ memberships, history, bus }: OwnParts): Rewriting {
  const turns = createTurns();
  const inTurn = <T>({ chatId, userId }: OwnPlace, work: () => Promise<T>): Promise<T> => turns.take(`${chatId}:${userId}`, work);
  const tell = async (place: OwnPlace, membership: MembershipDocument): Promise<Mine> => {
    const { userId, chatId } = place;
    const [mine, view] = [toMine(membership), toView(membership)];
    const seen = bus.reveal(userId, `chat:${chatId}`, view);
    bus.publish(`user:${userId}`, { name: 'chat.arranged', payload: { chatId, mine } });
    if (seen >= lastSeen(view)) return mine;
    // What was withheld from a device here, since another process ended what hides it, stays so: the device has passed it over.
    const range = { from: seen + 1, to: await lastSeqOf(history, chatId) };
    return countVisible(view, seen, range.to) === 0 ? mine : attempt(place, () => required(place), withholding(range));
  };
  const attempt = async (place: OwnPlace, read: () => Promise<MembershipDocument>, decide: Decide, unchanged: (membership: MembershipDocument) => Mine | Promise<Mine> = toMine): Promise<Mine> => {
    for (let attempts = 0; attempts < maximumAttempts; attempts++) {
      const membership = await read();
      const wish = decide(membership);
      if (!wish || Object.keys(wish).length === 0) return unchanged(membership);
      const same = { _id: membership._id, ownVersion: membership.ownVersion, ...isIn };
      const after = (await memberships.collection.findOneAndUpdate(same, toUpdate(wish), { returnDocument: 'after' })) as MembershipDocument | null;
      if (after) return tell(place, after);
    }
    throw new AppError('BUSY');
  };
  const rewrite: Rewriting['rewrite'] = (place, read, decide) => inTurn(place, () => attempt(place, read, decide));
  const find = (place: OwnPlace): Promise<MembershipDocument | null> => memberships.findOne({ ...place, ...isIn }).lean().exec();
  const required = async (place: OwnPlace): Promise<MembershipDocument> => (await find(place)) ?? notFound();
  const tellNow = (place: OwnPlace): Promise<void> =>
    inTurn(place, async () => {
      const membership = await find(place);
      if (membership) await tell(place, membership);
    });

  return {
    rewrite,
    async rewriteUnseen(place, decide) {
      // Where nothing is left to change another process was faster, and has told nobody here.
      await inTurn(place, () => attempt(place, () => required(place), decide, (membership) => tell(place, membership)));
    },
    ...createShowing({ memberships, bus }, tellNow),
  };
}

function createShowing({ memberships, bus }: Pick<OwnParts, 'memberships' | 'bus'>, tellNow: OwnChanges['show']): Pick<OwnChanges, 'show' | 'showToPair'> {
  return {
    async show(place) {
      if (bus.isHeard(`user:${place.userId}`)) await tellNow(place);
    },
    async showToPair(chatId) {
      const topic = `chat:${chatId}` as const;
      if (!bus.isHeard(topic)) return;
      const pair = await memberships.find({ chatId, ...isIn }, { userId: 1, ownVersion: 1 }).lean();
      const outdated = pair.map((row) => ({ ...row, userId: row.userId.toHexString() })).filter(({ userId, ownVersion }) => bus.isOutdated(userId, topic, ownVersion));
      await Promise.all(outdated.map(({ userId }) => tellNow({ userId, chatId })));
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
    $currentDate: { ownAt: true as const },
  };
}

/** Without what is so already. */
const differing = (membership: MembershipDocument, wish: OwnChange): OwnChange =>
  Object.fromEntries(Object.entries(wish).filter(([key, value]) => (membership[key as keyof OwnFields] ?? null)?.valueOf() !== value?.valueOf()));

/** What is cleared is not unread any more. */
function clearing({ clearedSeq = 0, hidden = [], withheld = [], markedUnread }: MembershipDocument, seq: number): OwnChange {
  return { ...(seq > clearedSeq && { clearedSeq: seq, hidden: hiddenAfter(hidden, seq), withheld: hiddenAfter(withheld, seq) }), ...(markedUnread && { markedUnread: null }) };
}

const withholding =
  (range: SeqRange): Decide =>
  ({ withheld = [] }) => ({ withheld: fewer(withHidden(withheld, range), hiddenAtMost) });

function hiding(hidden: readonly SeqRange[], range: SeqRange): OwnChange | undefined {
  const wider = withHidden(hidden, range);
  if (wider.length > hiddenAtMost) throw new AppError('TOO_MUCH_HIDDEN');
  return { hidden: wider };
}

function notFound(): never {
  throw new AppError('CHAT_NOT_FOUND');
}
