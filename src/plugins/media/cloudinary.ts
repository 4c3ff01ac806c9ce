/**
 * Files at Cloudinary. Photos of people and groups are for everybody and lie where its network delivers them; all else is
 * delivered to nobody without a signature (`authenticated`), and given to people by this server alone.
 */
import { Readable } from 'node:stream';
import { AppError } from '../../core/errors.ts';
import type { ByteRange, MediaStore } from '../../core/media.ts';
import { isPhotoKey } from '../../core/photo.ts';

/** Milliseconds for an upload, and for an answer to begin. */
const patience = { upload: 300_000, answer: 10_000 };

/** Seconds for which Cloudinary takes a signature ("Generating authentication signatures"). */
const invitedFor = 3600;

/** The folder of everything that is kept. */
const folder = 'parley';

/** Where something is at Cloudinary. */
interface Asset {
  public_id: string;
  resource_type: 'image' | 'raw';
  type: 'upload' | 'authenticated';
  format?: 'webp';
}

const assetOf = (key: string): Asset =>
  isPhotoKey(key) ? { public_id: `${folder}/${key}`, resource_type: 'image', type: 'upload', format: 'webp' } : { public_id: `${folder}/${key}`, resource_type: 'raw', type: 'authenticated' };

/**
 * @param url as Cloudinary's console shows it: `cloudinary://key:secret@cloud`, with its own settings as a query
 */
export async function createCloudinaryStore(url: string): Promise<MediaStore> {
  // Which protocol it speaks is settled when it is loaded.
  const { v2: cloudinary } = await import('cloudinary');
  const account = accountOf(url);
  const addressOf = (key: string, isSigned: boolean): string => {
    const { public_id: id, ...asset } = assetOf(key);
    return cloudinary.url(id, { ...account, ...asset, sign_url: isSigned, urlAnalytics: false });
  };

  return {
    async keep(key, path) {
      const { format: _isItsOwn, ...asset } = assetOf(key);
      await answered(cloudinary.uploader.upload(path, { ...account, ...asset, overwrite: true, timeout: patience.upload }));
    },
    async read(key, range) {
      const headers = { ...(range && { range: `bytes=${range.start}-${range.end}` }) };
      return bodyOf(await answered(ask(addressOf(key, true), headers)), range);
    },
    async remove(key) {
      const { public_id: id, format: _isItsOwn, ...asset } = assetOf(key);
      // Its types do not know all of what it takes.
      const options: object = { ...account, ...asset, invalidate: true, timeout: patience.answer };
      await answered(cloudinary.uploader.destroy(id, options));
    },
    addressOf: (key) => addressOf(key, false),
    invite(key) {
      const { format: _isItsOwn, resource_type: type, ...asset } = assetOf(key);
      const now = Math.floor(Date.now() / 1000);
      // What has been looked at stays what it is: the form is good for more than once.
      const signed = { ...asset, overwrite: 'false', timestamp: String(now) };
      const signature = cloudinary.utils.api_sign_request(signed, account.api_secret);
      return {
        url: cloudinary.utils.api_url('upload', { ...account, resource_type: type }),
        fields: { ...signed, api_key: account.api_key, signature },
        expiresAt: new Date((now + invitedFor) * 1000),
      };
    },
  };
}

function accountOf(url: string) {
  const { username, password, hostname, searchParams } = new URL(url);
  const settings = Object.fromEntries([...searchParams].map(([name, value]) => [name, value === 'true' || (value === 'false' ? false : value)]));
  return { secure: true, ...settings, api_key: decodeURIComponent(username), api_secret: decodeURIComponent(password), cloud_name: hostname };
}

/** Once an answer has begun it may take its time. */
async function ask(address: string, headers: Record<string, string>): Promise<Response> {
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(), patience.answer);
  try {
    return await fetch(address, { headers, signal: impatience.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** Whatever it says instead, its store does not do what it should. */
async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new AppError('MEDIA_UNAVAILABLE', undefined, { cause: error });
  }
}

async function bodyOf({ status, body }: Response, range: ByteRange | undefined): Promise<Readable | undefined> {
  if (status === (range ? 206 : 200) && body) return Readable.fromWeb(body);
  await body?.cancel();
  if (status === 404) return undefined;
  throw new AppError('MEDIA_UNAVAILABLE', undefined, { cause: new Error(`Cloudinary has answered ${status}`) });
}
