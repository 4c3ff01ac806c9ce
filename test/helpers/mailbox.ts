/** A real mail server that keeps what it is sent, and can be told to refuse mails or never to answer. */
import { EventEmitter, once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import PostalMime, { type Header } from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

export interface ReceivedMail {
  subject: string;
  text: string;
  html: string;
  /** Addresses as the mail itself names them. */
  from: string;
  to: string[];
  /** Whom it was delivered to. */
  recipients: string[];
  messageId: string;
  headers: Header[];
  /** The first link in the text. */
  link: string | undefined;
}

type Step = 'MAIL FROM' | 'RCPT TO';

export interface Mailbox {
  smtpUrl: string;
  /** The next unread mail to this address. Waits for it; rejects after 15 seconds. */
  next: (to: string) => Promise<ReceivedMail>;
  /** Every mail accepted so far. */
  received: readonly ReceivedMail[];
  /** How often somebody wanted to send a mail, accepted or not. */
  offered: () => number;
  /** How many peers are connected. */
  peers: () => number;
  /** Answers this step with this code from now on. */
  refuse: (code: number, at?: Step) => void;
  /** Takes mails in from now on and never answers; not even later. */
  hang: () => void;
  /** Accepts mails again. */
  unrefuse: () => void;
}

const patience = 15_000;

export async function mailbox(t: TestContext): Promise<Mailbox> {
  const arrivals = new EventEmitter().setMaxListeners(0);
  const received: ReceivedMail[] = [];
  const unread: ReceivedMail[] = [];
  let refusal: { code: number; at: Step } | undefined;
  let hanging = false;
  let offered = 0;

  const answer = (at: Step, callback: (error?: Error | null) => void): void =>
    callback(refusal?.at === at ? Object.assign(new Error('not this one'), { responseCode: refusal.code }) : null);
  const take = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> => {
    const mail = await parse(Buffer.concat(await stream.toArray()), session.envelope.rcptTo.map(({ address }) => address));
    received.push(mail);
    unread.push(mail);
    arrivals.emit('mail');
  };

  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 50,
    onMailFrom(_address, _session, callback) {
      offered += 1;
      answer('MAIL FROM', callback);
    },
    onRcptTo: (_address, _session, callback) => answer('RCPT TO', callback),
    onData(stream, session, callback) {
      if (hanging) stream.resume();
      else take(stream, session).then(() => callback(), callback);
    },
  });
  // Whoever breaks a connection off means it.
  server.on('error', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => promisify((done: () => void) => server.close(done))());

  return {
    smtpUrl: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    received,
    offered: () => offered,
    peers: () => server.connections.size,
    refuse: (code, at = 'RCPT TO') => void (refusal = { code, at }),
    hang: () => void (hanging = true),
    unrefuse() {
      refusal = undefined;
      hanging = false;
    },
    async next(to) {
      const signal = AbortSignal.timeout(patience);
      for (;;) {
        const index = unread.findIndex(({ recipients }) => recipients.includes(to));
        const [mail] = index < 0 ? [] : unread.splice(index, 1);
        if (mail) return mail;
        await once(arrivals, 'mail', { signal }).catch(() => Promise.reject(new Error(`In vain: a mail to ${to}, within ${patience} ms`)));
      }
    },
  };
}

/** The mails that lie in DATA_DIR/outbox, in the order of the names of their files; the folder is made for the first of them. */
export async function readOutbox(dataDir: string): Promise<(ReceivedMail & { file: string })[]> {
  const folder = join(dataDir, 'outbox');
  const files = (await readdir(folder).catch(unlessMissing)).filter((name) => name.endsWith('.eml')).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = join(folder, name);
      return { ...(await parse(await readFile(file))), file };
    }),
  );
}

function unlessMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}

async function parse(raw: Buffer, recipients?: string[]): Promise<ReceivedMail> {
  const { subject = '', text = '', html = '', from, to = [], messageId = '', headers } = await PostalMime.parse(raw);
  const named = to.map(({ address = '' }) => address);
  return { subject, text, html, from: from?.address ?? '', to: named, recipients: recipients ?? named, messageId, headers, link: /https?:\/\/\S+/.exec(text)?.[0] };
}
