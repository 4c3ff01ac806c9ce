/** One mail on its way: looked up, written and sent, or the reason why it has to wait or will never go. */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { toQueuedMail, type PreparedMail, type QueuedMail } from './mails.service.ts';
import type { MailDocument } from './mail.model.ts';
import { renderMail, type RenderedMail } from './mail.rendering.ts';

export interface SendingParts {
  mailer: {
    /**
     * Resolves once the mail is accepted; the same id makes the same Message-ID. The signal ends the attempt.
     * @throws Error, with `permanent: true` if another attempt would be refused, too
     */
    send(mail: RenderedMail & { id: string; to: string }, signal: AbortSignal): Promise<void>;
  };
  /**
   * Looks up what a mail needs, and makes its link, for one attempt to send it; undefined if there is nothing to send any more.
   * Must end within five seconds.
   */
  prepare: (mail: QueuedMail) => Promise<PreparedMail | undefined>;
}

/** `over`: it needs no further attempt, well or (`error`) not; `needless`: there was nothing to send. `later`: it does. */
export type Outcome = { kind: 'over' | 'needless'; error?: Error } | { kind: 'later'; error: Error };

export async function sendMail({ mailer, prepare }: SendingParts, mail: MailDocument, signal: AbortSignal): Promise<Outcome> {
  const { kind, attempts } = mail;
  const named = `mail ${mail._id.toHexString()} (${kind})`;
  if (mail.giveUpAt.getTime() <= Date.now()) return { kind: 'over', error: new Error(`${named} was given up after ${attempts - 1} attempts: it is too old`) };
  try {
    signal.throwIfAborted();
    const queued = toQueuedMail(mail);
    const prepared = await withDeadline(prepare(queued), storePatience);
    if (!prepared) return { kind: 'needless' };
    await mailer.send({ id: queued.id, to: prepared.to, ...write(mail, prepared) }, signal);
    return { kind: 'over' };
  } catch (cause) {
    if (isPermanent(cause)) return { kind: 'over', error: new Error(`${named} was given up: it will never be accepted`, { cause }) };
    return { kind: 'later', error: new Error(`${named} was not sent at attempt ${attempts}`, { cause }) };
  }
}

/** What cannot be written now cannot be written later either. */
function write({ kind, createdAt }: MailDocument, prepared: PreparedMail): RenderedMail {
  try {
    return renderMail(kind, { ...prepared, values: { when: createdAt.toISOString(), ...prepared.values } });
  } catch (cause) {
    throw Object.assign(new Error('the text is not complete', { cause }), { permanent: true });
  }
}

const isPermanent = (error: unknown): boolean => error instanceof Error && 'permanent' in error && error.permanent === true;
