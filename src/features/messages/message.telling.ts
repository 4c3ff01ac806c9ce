/** How those in a chat hear of its messages: everybody as much as is theirs to see. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import { withoutOriginal, type Message } from '../../core/message.ts';
import { isVisible, type View } from '../../core/view.ts';
import type { Update } from './change.model.ts';
import type { messagesContract } from './messages.contract.ts';

type MessageEvent = EventOf<typeof messagesContract>;

export interface MessageTelling {
  created(message: Message): void;
  changed(message: Message, update: Update): void;
}

export function createMessageTelling(bus: Bus<MessageEvent>): MessageTelling {
  return {
    created(message) {
      const event: MessageEvent = { name: 'message.created', payload: message };
      const { chatId, seq, senderId, replyTo } = message;
      const withheld: MessageEvent = { name: 'message.withheld', payload: { chatId, seq, senderId } };
      const discreet: MessageEvent | undefined = replyTo && { name: 'message.created', payload: withoutOriginal(message) };
      bus.publish(`chat:${chatId}`, event, { veiled: (view) => (isVisible(view, seq) ? (discreet && isConcealed(view, replyTo) ? discreet : event) : withheld) });
    },
    changed(message, update) {
      const { chatId, seq, rev = 0, replyTo } = message;
      const name = nameOf(update);
      const event: MessageEvent = { name, payload: message };
      const discreet: MessageEvent = { name, payload: withoutOriginal(message) };
      const passed: MessageEvent = { name: 'message.passed', payload: { chatId, rev } };
      bus.publish(`chat:${chatId}`, event, { veiled: (view) => (isVisible(view, seq) ? (isConcealed(view, replyTo) ? discreet : event) : passed) });
    },
  };
}

const isConcealed = (view: View, replyTo: Message['replyTo']): boolean => replyTo !== undefined && !isVisible(view, replyTo.seq);

function nameOf({ set }: Update): 'message.removed' | 'message.edited' | 'message.reacted' {
  if (set.removedAt) return 'message.removed';
  return set.text === undefined ? 'message.reacted' : 'message.edited';
}
