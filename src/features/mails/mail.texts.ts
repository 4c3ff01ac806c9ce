/** What each mail says, in each language. Subjects name nothing that anybody else has chosen. */
import type { Language } from '../../core/contract.ts';
import type { MailKind } from './mail.model.ts';

export interface MailText {
  subject: string;
  /** Plain text with values in braces. The link, if there is one, stands below the first. */
  paragraphs: readonly [string, ...string[]];
  /** What the link is called; only where there is one. */
  button?: string;
}

/** How a mail begins; not everybody has a name to be called by. */
export const greetings: Record<Language, (name: string | undefined) => string> = {
  en: (name) => (name === undefined ? 'Hello,' : `Hello ${name},`),
  ru: (name) => (name === undefined ? 'Здравствуйте!' : `Здравствуйте, ${name}!`),
};

const notYou: Record<Language, string> = {
  en: 'If this was not you, set a new password at once and end every session you do not recognise.',
  ru: 'Если это были не вы, немедленно смените пароль и завершите все незнакомые сеансы.',
};

export const texts: Record<MailKind, Record<Language, MailText>> = {
  'verify-email': {
    en: {
      subject: 'Confirm your e-mail address',
      paragraphs: ['Welcome to Parley! Please confirm that this address is yours:', 'If it was not you who signed up, do not follow the link. There is nothing you need to do.'],
      button: 'Confirm address',
    },
    ru: {
      subject: 'Подтвердите адрес электронной почты',
      paragraphs: ['Добро пожаловать в Parley! Пожалуйста, подтвердите, что это ваш адрес:', 'Если регистрировались не вы, не переходите по ссылке. Больше ничего делать не нужно.'],
      button: 'Подтвердить адрес',
    },
  },
  'reset-password': {
    en: {
      subject: 'Set a new password',
      paragraphs: ['Somebody, hopefully you, asked for a new password for your Parley account. You can set it here:', 'The link is good for 30 minutes and works once. If you did not ask for it, ignore this mail: your password stays as it is.'],
      button: 'Set a new password',
    },
    ru: {
      subject: 'Новый пароль',
      paragraphs: ['Кто-то — надеемся, что вы — запросил новый пароль для вашего аккаунта в Parley. Задать его можно здесь:', 'Ссылка действует 30 минут и срабатывает один раз. Если вы ничего не запрашивали, просто не обращайте внимания на это письмо: пароль останется прежним.'],
      button: 'Задать новый пароль',
    },
  },
  'changes-undone': {
    en: {
      subject: 'Your account is as it was: set a new password',
      paragraphs: ['A change to your Parley account was undone by the link in our last mail. Every session has ended and the old password is good no more. Please set a new one here:', 'The link is good for 30 minutes and works once. Later you can ask for another where you sign in: "Forgot your password?"'],
      button: 'Set a new password',
    },
    ru: {
      subject: 'Изменение отменено: задайте новый пароль',
      paragraphs: ['По ссылке из нашего прошлого письма изменение в вашем аккаунте Parley отменено. Все сеансы завершены, прежний пароль больше не действует. Пожалуйста, задайте новый:', 'Ссылка действует 30 минут и срабатывает один раз. Позже её можно запросить снова при входе: «Забыли пароль?»'],
      button: 'Задать новый пароль',
    },
  },
  'confirm-email': {
    en: {
      subject: 'Confirm your new e-mail address',
      paragraphs: ['This address is to become the one of your Parley account. Please confirm that it is yours:', 'Until you do, the account keeps its old address. If you know nothing about this, do not follow the link and ignore this mail.'],
      button: 'Confirm new address',
    },
    ru: {
      subject: 'Подтвердите новый адрес электронной почты',
      paragraphs: ['Вы хотите использовать этот адрес для своего аккаунта в Parley. Пожалуйста, подтвердите, что он ваш:', 'До этого у аккаунта останется прежний адрес. Если вы ничего об этом не знаете, не переходите по ссылке и не обращайте внимания на это письмо.'],
      button: 'Подтвердить новый адрес',
    },
  },
  'address-taken': {
    en: {
      subject: 'You already have a Parley account',
      paragraphs: [
        'Somebody wanted to use this address for a Parley account, but you already have an account with it.',
        'If it was you, sign in as usual; if you have forgotten your password, you can ask for a new one there. If it was not you, there is nothing you need to do: nothing has changed.',
      ],
    },
    ru: {
      subject: 'У вас уже есть аккаунт в Parley',
      paragraphs: [
        'Кто-то хотел использовать этот адрес для аккаунта в Parley, но у вас уже есть аккаунт с этим адресом.',
        'Если это были вы, войдите как обычно; если забыли пароль, там же можно запросить новый. Если это были не вы, ничего делать не нужно: ничего не изменилось.',
      ],
    },
  },
  'email-changed': {
    en: {
      subject: 'Your e-mail address was changed',
      paragraphs: ['The address of your Parley account is now {newEmail}. If it was not you who changed it, undo the change here:', 'Then set a new password, because somebody may know yours. If it was you, do not follow the link: all is well.'],
      button: 'Undo the change',
    },
    ru: {
      subject: 'Адрес электронной почты изменён',
      paragraphs: ['Теперь адрес вашего аккаунта в Parley — {newEmail}. Если его изменили не вы, отмените изменение здесь:', 'Затем смените пароль: возможно, его кто-то знает. Если это были вы, не переходите по ссылке: всё в порядке.'],
      button: 'Отменить изменение',
    },
  },
  'password-changed': {
    en: {
      subject: 'Your password was changed',
      paragraphs: ['The password of your Parley account was changed on {when} (device: {device}).', 'If it was you, all is well. If not, ask for a new password on the sign-in page at once.'],
    },
    ru: {
      subject: 'Пароль изменён',
      paragraphs: ['Пароль вашего аккаунта в Parley изменён {when} (устройство: {device}).', 'Если это были вы, всё в порядке. Если нет, немедленно запросите новый пароль на странице входа.'],
    },
  },
  'session-stolen': {
    en: {
      subject: 'We ended one of your sessions',
      paragraphs: [
        'An old key of one of your Parley sessions was used again. That happens when somebody has a copy of it, so we ended the session (device: {device}).',
        'To go on, sign in again. If you suspect that somebody has access to that device, set a new password, too.',
      ],
    },
    ru: {
      subject: 'Мы завершили один из ваших сеансов',
      paragraphs: [
        'Старый ключ одного из ваших сеансов в Parley использовали повторно. Так бывает, когда у кого-то есть его копия, поэтому мы завершили этот сеанс (устройство: {device}).',
        'Чтобы продолжить, войдите снова. Если вы подозреваете, что у кого-то есть доступ к этому устройству, смените и пароль.',
      ],
    },
  },
  'google-linked': {
    en: {
      subject: 'Google was linked to your account',
      paragraphs: ['From now on you can sign in to your Parley account with Google. If it was not you who linked it, undo that here:', 'Then set a new password, because somebody may know yours. If it was you, do not follow the link: all is well.'],
      button: 'Undo the change',
    },
    ru: {
      subject: 'Google привязан к вашему аккаунту',
      paragraphs: ['Теперь в ваш аккаунт Parley можно входить через Google. Если его привязали не вы, отмените это здесь:', 'Затем смените пароль: возможно, его кто-то знает. Если это были вы, не переходите по ссылке: всё в порядке.'],
      button: 'Отменить изменение',
    },
  },
  'google-unlinked': {
    en: { subject: 'Google was unlinked from your account', paragraphs: ['Signing in to your Parley account with Google no longer works. Your password still does.', notYou.en] },
    ru: { subject: 'Google отвязан от вашего аккаунта', paragraphs: ['Войти в ваш аккаунт Parley через Google больше нельзя. Вход по паролю работает как прежде.', notYou.ru] },
  },
  'second-factor-on': {
    en: {
      subject: 'The second factor is on',
      paragraphs: [
        'Signing in to your Parley account now takes a code from an authenticator app, too. If it was not you who switched that on, undo it here:',
        'Then set a new password, because somebody may know yours. If it was you, do not follow the link, and keep your recovery codes in a safe place: they let you in if you lose the app.',
      ],
      button: 'Undo the change',
    },
    ru: {
      subject: 'Двухфакторный вход включён',
      paragraphs: [
        'Теперь для входа в ваш аккаунт Parley нужен ещё и код из приложения-аутентификатора. Если его включили не вы, отмените это здесь:',
        'Затем смените пароль: возможно, его кто-то знает. Если это были вы, не переходите по ссылке и храните резервные коды в надёжном месте: с ними вы войдёте, если потеряете доступ к приложению.',
      ],
      button: 'Отменить изменение',
    },
  },
  'second-factor-off': {
    en: { subject: 'The second factor is off', paragraphs: ['Signing in to your Parley account no longer takes a code from an authenticator app.', notYou.en] },
    ru: { subject: 'Двухфакторный вход выключен', paragraphs: ['Для входа в ваш аккаунт Parley больше не нужен код из приложения-аутентификатора.', notYou.ru] },
  },
  'recovery-codes-renewed': {
    en: { subject: 'You have new recovery codes', paragraphs: ['New recovery codes were made for your Parley account. The old ones no longer work.', notYou.en] },
    ru: { subject: 'Новые резервные коды', paragraphs: ['Для вашего аккаунта в Parley созданы новые резервные коды. Старые больше не действуют.', notYou.ru] },
  },
  'account-removed': {
    en: { subject: 'Your account was removed', paragraphs: ['Your Parley account was removed, as you asked. Thank you for the time you spent with us.', 'If it was not you, please tell the people who run this server.'] },
    ru: { subject: 'Аккаунт удалён', paragraphs: ['Ваш аккаунт в Parley удалён, как вы и просили. Спасибо, что были с нами.', 'Если это были не вы, сообщите тем, кто управляет этим сервером.'] },
  },
};
