/** What the pages say, in each language. */
import type { Language } from '../../../core/contract.ts';
import type { ErrorCode } from '../../../core/errors.ts';

/** The pages to which links in mails lead, by the last part of their address. */
export type LinkName = 'verify-email' | 'confirm-email' | 'undo' | 'reset-password';

interface Said {
  title: string;
  text: string;
}

interface LinkTexts extends Said {
  button: string;
  done: Said;
  /** What to do when the link is good no more. */
  expired: string;
  /** What to do when another account has the address. */
  taken?: string;
}

/** What a form, or a sign-in with Google, may meet. Braces hold how long to wait. */
type Problem =
  | Extract<ErrorCode, `GOOGLE_${string}`>
  | 'RETURN_PATH_NOT_ALLOWED'
  | 'SECOND_FACTOR_REQUIRED'
  | 'VALIDATION_FAILED'
  | 'PASSWORD_TOO_EASY'
  | 'RATE_LIMITED'
  | 'BUSY'
  | 'SHUTTING_DOWN'
  | 'UNAVAILABLE'
  | 'INTERNAL'
  | 'BAD_REQUEST'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'PAYLOAD_TOO_LARGE';

interface PageTexts {
  links: Record<LinkName, LinkTexts>;
  expired: Said;
  taken: string;
  incomplete: Said;
  password: { label: string; hint: string; repeat: string; differs: string };
  signedIn: Said;
  signInFailed: string;
  failed: string;
  problems: Record<Problem, string>;
  /** Leads on to the browser app. */
  toApp: string;
}

const mangled: Record<Language, string> = {
  en: 'The form did not arrive as it should. Open the link from the mail once more.',
  ru: 'Форма пришла к нам не такой, какой должна быть. Откройте ссылку из письма ещё раз.',
};

const english: PageTexts = {
  links: {
    'verify-email': {
      title: 'Confirm your e-mail address',
      text: 'Press the button to confirm that the address at which you got our mail is yours.',
      button: 'Confirm address',
      done: { title: 'Your address is confirmed', text: 'Thank you! You may close this page.' },
      expired: 'If you have confirmed your address already, all is well. If not, sign in and ask for a new link in the settings.',
    },
    'confirm-email': {
      title: 'Confirm your new e-mail address',
      text: 'Press the button, and the address at which you got our mail becomes the one of your account.',
      button: 'Confirm new address',
      done: { title: 'Your account has its new address', text: 'From now on, use it to sign in. You may close this page.' },
      expired: 'If you have confirmed the new address already, all is well. If not, sign in and change your address once more.',
      taken: 'Sign in to your account and choose another address.',
    },
    undo: {
      title: 'Undo the change of your account',
      text: 'Press the button if it was not you who changed your account. It gets the address at which you got our mail, loses what was added to sign in with, and is signed out everywhere; and we send you a link for a new password.',
      button: 'Undo the change',
      done: { title: 'Your account is yours again', text: 'It is signed out everywhere. We have sent you a mail with a link: set a new password with it, because somebody may know the old one.' },
      expired: 'If you have undone the change already, look for our mail with the link for a new password. If not, turn to the people who run this server.',
      taken: 'Sign in to that account and remove it, or give it another address; then follow the link from the mail once more.',
    },
    'reset-password': {
      title: 'Set a new password',
      text: 'Your account will be signed out everywhere; sign in again with the new password.',
      button: 'Set new password',
      done: { title: 'Your new password is set', text: 'Your account is signed out everywhere. Sign in with the new password from now on.' },
      expired: 'If you have set a new password with it already, sign in with that one. If not, ask for a new link where you sign in.',
    },
  },
  expired: { title: 'This link no longer works', text: 'It has been used, was replaced by a newer one, or is too old.' },
  taken: 'Another account has this address by now',
  incomplete: { title: 'This link is not complete', text: 'Part of it was lost on the way. Open it from the mail once more, or copy the whole of it into the address bar.' },
  password: { label: 'New password', hint: 'At least 8 characters.', repeat: 'New password once more', differs: 'You have typed two different passwords. Type the same one twice.' },
  signedIn: { title: 'You are signed in', text: 'You may close this page.' },
  signInFailed: 'You are not signed in',
  failed: 'That did not work',
  problems: {
    RETURN_PATH_NOT_ALLOWED: 'The link that led here names a page to come back to that the app does not have.',
    GOOGLE_CANCELLED: 'You have broken off the sign-in with Google.',
    GOOGLE_REFUSED: 'This sign-in with Google is no longer valid. Begin again.',
    GOOGLE_EMAIL_UNVERIFIED: 'Google has not verified the e-mail address of this Google account.',
    GOOGLE_OFF: 'Signing in with Google is not set up on this server.',
    GOOGLE_NOT_LINKED: 'There is already an account with this e-mail address. Sign in to it with its password, and link Google in the settings.',
    GOOGLE_TAKEN: 'This Google account is linked to another account, or your account to another Google account.',
    GOOGLE_UNAVAILABLE: 'Google does not answer. Try again in a moment.',
    SECOND_FACTOR_REQUIRED: 'This account also asks for a code from your authenticator app. Sign in with the app in which you can type it.',
    VALIDATION_FAILED: 'This password is too short or too long. It needs 8 characters, and has room for 72 Latin letters, digits and signs; letters of other scripts take more room. It cannot hold tabs.',
    PASSWORD_TOO_EASY: 'This password is easy to guess: many people use it, or it is made of your name or address. Choose another.',
    RATE_LIMITED: 'That was too much in too short a time. Try again {when}.',
    BUSY: 'The server has too much to do at the moment. Try again a little later.',
    SHUTTING_DOWN: 'The server is about to restart. Try again in a moment.',
    UNAVAILABLE: 'The server cannot reach its data at the moment, and it is not certain whether this has worked. Try again in a moment.',
    INTERNAL: 'Something went wrong on our side. Try again a little later.',
    BAD_REQUEST: mangled.en,
    UNSUPPORTED_MEDIA_TYPE: mangled.en,
    PAYLOAD_TOO_LARGE: mangled.en,
  },
  toApp: 'Go to Parley',
};

const russian: PageTexts = {
  links: {
    'verify-email': {
      title: 'Подтвердите адрес электронной почты',
      text: 'Нажмите кнопку, чтобы подтвердить, что адрес, на который пришло наше письмо, ваш.',
      button: 'Подтвердить адрес',
      done: { title: 'Адрес подтверждён', text: 'Спасибо! Эту страницу можно закрыть.' },
      expired: 'Если вы уже подтвердили адрес, всё в порядке. Если нет, войдите в аккаунт и запросите новую ссылку в настройках.',
    },
    'confirm-email': {
      title: 'Подтвердите новый адрес электронной почты',
      text: 'Нажмите кнопку, и адрес, на который пришло наше письмо, станет адресом вашего аккаунта.',
      button: 'Подтвердить новый адрес',
      done: { title: 'У вашего аккаунта новый адрес', text: 'Теперь входите с ним. Эту страницу можно закрыть.' },
      expired: 'Если вы уже подтвердили новый адрес, всё в порядке. Если нет, войдите в аккаунт и смените адрес ещё раз.',
      taken: 'Войдите в свой аккаунт и выберите другой адрес.',
    },
    undo: {
      title: 'Отмена изменения аккаунта',
      text: 'Нажмите кнопку, если ваш аккаунт изменили не вы. Его адресом станет тот, на который пришло наше письмо, добавленные способы входа исчезнут, все сеансы завершатся, а мы пришлём вам ссылку, чтобы задать новый пароль.',
      button: 'Отменить изменение',
      done: { title: 'Аккаунт снова ваш', text: 'Все сеансы завершены. Мы отправили вам письмо со ссылкой: задайте по ней новый пароль, ведь старый, возможно, кто-то знает.' },
      expired: 'Если вы уже отменили изменение, найдите наше письмо со ссылкой для нового пароля. Если нет, обратитесь к тем, кто управляет этим сервером.',
      taken: 'Войдите в тот аккаунт и удалите его или смените его адрес, а затем ещё раз перейдите по ссылке из письма.',
    },
    'reset-password': {
      title: 'Новый пароль',
      text: 'Все сеансы вашего аккаунта завершатся; войдите снова с новым паролем.',
      button: 'Задать новый пароль',
      done: { title: 'Новый пароль задан', text: 'Все сеансы вашего аккаунта завершены. Теперь входите с новым паролем.' },
      expired: 'Если вы уже задали по ней новый пароль, входите с ним. Если нет, запросите новую ссылку на странице входа.',
    },
  },
  expired: { title: 'Ссылка больше не действует', text: 'Она уже использована, заменена более новой или устарела.' },
  taken: 'Этот адрес уже занят другим аккаунтом',
  incomplete: { title: 'Ссылка неполная', text: 'Часть её потерялась по дороге. Откройте ссылку из письма ещё раз или скопируйте её в адресную строку целиком.' },
  password: { label: 'Новый пароль', hint: 'Не меньше 8 символов.', repeat: 'Новый пароль ещё раз', differs: 'Вы ввели два разных пароля. Введите один и тот же дважды.' },
  signedIn: { title: 'Вы вошли', text: 'Эту страницу можно закрыть.' },
  signInFailed: 'Войти не удалось',
  failed: 'Не получилось',
  problems: {
    RETURN_PATH_NOT_ALLOWED: 'Ссылка, по которой вы пришли, ведёт затем на страницу, которой в приложении нет.',
    GOOGLE_CANCELLED: 'Вы прервали вход через Google.',
    GOOGLE_REFUSED: 'Этот вход через Google больше не действителен. Начните заново.',
    GOOGLE_EMAIL_UNVERIFIED: 'Google не подтвердил адрес электронной почты этого аккаунта Google.',
    GOOGLE_OFF: 'На этом сервере вход через Google не настроен.',
    GOOGLE_NOT_LINKED: 'Аккаунт с таким адресом электронной почты уже есть. Войдите в него с паролем и привяжите Google в настройках.',
    GOOGLE_TAKEN: 'Этот аккаунт Google привязан к другому аккаунту, или к вашему аккаунту привязан другой аккаунт Google.',
    GOOGLE_UNAVAILABLE: 'Google не отвечает. Попробуйте ещё раз чуть позже.',
    SECOND_FACTOR_REQUIRED: 'Для входа в этот аккаунт нужен ещё и код из приложения-аутентификатора. Войдите через приложение, в котором его можно ввести.',
    VALIDATION_FAILED: 'Этот пароль слишком короткий или слишком длинный. В нём должно быть не меньше 8 символов, а помещается в него 72 латинские буквы, цифры и знака или 36 русских букв. Табуляции в нём быть не может.',
    PASSWORD_TOO_EASY: 'Этот пароль легко угадать: им пользуются многие, или он составлен из вашего имени или адреса. Выберите другой.',
    RATE_LIMITED: 'Слишком много попыток за короткое время. Попробуйте ещё раз {when}.',
    BUSY: 'Сервер сейчас перегружен. Попробуйте ещё раз чуть позже.',
    SHUTTING_DOWN: 'Сервер перезапускается. Попробуйте ещё раз через минуту.',
    UNAVAILABLE: 'Сервер не может обратиться к своим данным, и неизвестно, получилось ли то, что вы хотели. Попробуйте ещё раз чуть позже.',
    INTERNAL: 'Что-то пошло не так на нашей стороне. Попробуйте ещё раз чуть позже.',
    BAD_REQUEST: mangled.ru,
    UNSUPPORTED_MEDIA_TYPE: mangled.ru,
    PAYLOAD_TOO_LARGE: mangled.ru,
  },
  toApp: 'Перейти в Parley',
};

export const texts: Record<Language, PageTexts> = { en: english, ru: russian };
