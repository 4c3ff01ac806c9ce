/** Who is typing where: told at most once in a while, and over by itself. Times come from outside. */
import type { Id } from '../../core/schemas.ts';

export interface TypingPace {
  /** Milliseconds for which somebody counts as typing who does not say so again. */
  lasts: number;
  /** Milliseconds between two events about the same person in the same chat. */
  between: number;
}

export const typingPace: TypingPace = { lasts: 6000, between: 3000 };

/** What those in the chat are to be told: until when somebody is typing there; `until` is 0 if they have stopped. */
export interface TypingNews {
  chatId: Id;
  userId: Id;
  until: number;
}

export interface Typing {
  /** Gives what is to be told at once, if anything is. */
  type(chatId: Id, userId: Id, active: boolean, now: number): TypingNews | undefined;
  /** A message of theirs says that they have stopped: nothing else has to. */
  sent(chatId: Id, userId: Id): void;
  /** What is to be told now. */
  takeDue(now: number): TypingNews[];
  /** Whether it is still what was told last. */
  isCurrent(news: TypingNews): boolean;
}

interface Entry {
  chatId: Id;
  userId: Id;
  until: number;
  told: { until: number; at: number };
}

export function createTyping({ lasts, between }: TypingPace = typingPace): Typing {
  const entries = new Map<string, Entry>();
  const keyOf = (chatId: Id, userId: Id): string => chatId + userId;
  const settle = (entry: Entry, now: number): TypingNews | undefined => {
    const { chatId, userId, told } = entry;
    const until = entry.until > now ? entry.until : 0;
    if (now - told.at < between) return undefined;
    if (until === told.until) {
      if (until === 0) entries.delete(keyOf(chatId, userId));
      return undefined;
    }
    entry.told = { until, at: now };
    return { chatId, userId, until };
  };

  return {
    type(chatId, userId, active, now) {
      const key = keyOf(chatId, userId);
      const entry = entries.get(key) ?? { chatId, userId, until: 0, told: { until: 0, at: -Infinity } };
      entry.until = active ? now + lasts : 0;
      entries.set(key, entry);
      return settle(entry, now);
    },
    sent(chatId, userId) {
      if (entries.size === 0) return;
      const entry = entries.get(keyOf(chatId, userId));
      if (!entry) return;
      entry.until = 0;
      entry.told = { ...entry.told, until: 0 };
    },
    takeDue: (now) => [...entries.values()].flatMap((entry) => settle(entry, now) ?? []),
    isCurrent: ({ chatId, userId, until }) => (entries.get(keyOf(chatId, userId))?.told.until ?? 0) === until,
  };
}
