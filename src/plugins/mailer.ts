/** Sends mails through an SMTP server; without one they become files in DATA_DIR/outbox. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport, type NodemailerError, type SendMailOptions } from 'nodemailer';
import { wordsOf } from '../core/text.ts';

export interface Mail {
  /** Letters, digits and hyphens. Its Message-ID is made of it, so that two copies of a mail are known for one. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

export interface Mailer {
  /**
   * Resolves once the mail is accepted. When the signal breaks it off, the server may have accepted it all the same.
   * @throws Error, with `permanent: true` if another attempt would be refused, too
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  /** Ends all connections, whatever is under way on them. */
  close(): Promise<void>;
}

export interface MailerOptions {
  smtpUrl: string | undefined;
  /** An address, or a name and an address in angle brackets. */
  from: string;
  dataDir: string;
  log: { warn(details: object, message: string): void };
}

/** In milliseconds: for a connection, for a greeting, for each answer after that, and for a peer's goodbye. */
const timeouts = { dnsTimeout: 5000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000, socketCloseTimeout: 500 };

const sealed = { disableFileAccess: true, disableUrlAccess: true } as const;

export function createMailer({ smtpUrl, from, dataDir, log }: MailerOptions): Mailer {
  return smtpUrl === undefined ? createOutbox(join(dataDir, 'outbox'), from, log) : createSmtp(smtpUrl, from);
}

function createSmtp(url: string, from: string): Mailer {
  // Whoever asked repeats what failed; a pool that did so, too, could send a mail twice.
  const transport = createTransport({ url, pool: true, maxConnections: 3, maxRequeues: 0, ...timeouts, ...sealed });
  return {
    async send(mail, signal) {
      const message = toMessage(mail, from);
      try {
        await transport.sendMail({ ...message, ...(signal && { signal }) });
      } catch (error) {
        throw toFailure('the mail server did not accept the mail', isRefusal(error as NodemailerError), error);
      }
    },
    async close() {
      transport.close({ force: true });
    },
  };
}

/** Private to its owner, as the links in the mails are. */
function createOutbox(folder: string, from: string, log: MailerOptions['log']): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows', ...sealed });
  return {
    async send(mail, signal) {
      const { message } = await transport.sendMail(toMessage(mail, from));
      signal?.throwIfAborted();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, fileNameOf(mail));
      await writeWhole(file, message as Buffer);
      log.warn({ to: mail.to, subject: mail.subject, file }, 'a mail lies in a file, because there is no SMTP_URL');
    },
    close: () => Promise.resolve(),
  };
}

/** Its parts in the order in which they sort. */
function fileNameOf({ id, subject }: Mail): string {
  const time = new Date().toISOString().replaceAll(':', '-');
  return `${time}-${wordsOf(subject).join('-').slice(0, 40)}-${id}.eml`;
}

/** Whole or not at all, whenever the process dies. */
async function writeWhole(file: string, content: Buffer): Promise<void> {
  const draft = `${file}.draft`;
  try {
    await writeFile(draft, content, { mode: 0o600, flush: true });
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The address goes in as it is, never to be read as a list of several. */
function toMessage({ id, to, subject, text, html }: Mail, from: string): SendMailOptions {
  if (!/^[^\s\p{Cc}<>(),;:"@]+@[^\s\p{Cc}<>(),;:"@]+$/u.test(to)) throw toFailure('this is not one address', true);
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId: `<${id}@${hostOf(from)}>`,
    // RFC 3834, 5: nothing that answers by itself is to answer this.
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

const hostOf = (from: string): string => /@([^\s@<>]+)>?$/.exec(from)?.[1] ?? 'localhost';

const toFailure = (message: string, permanent: boolean, cause?: unknown): Error => Object.assign(new Error(message, { cause }), { permanent });

/**
 * This mail was refused for good (RFC 5321, 4.2.1: 5yz). A refusal of our login or of our own address is the operator's to
 * mend, and the mails can wait for that.
 */
const isRefusal = ({ code, command, permanent }: NodemailerError): boolean =>
  permanent === true && (code === 'EENVELOPE' || code === 'EMESSAGE') && command !== 'MAIL FROM';
