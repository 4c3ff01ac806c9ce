/** Forms (multipart/form-data, RFC 7578): files as they come, and the fields beside them. */
import { Readable } from 'node:stream';
import multipart, { type MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireOperation } from '../../contracts.ts';
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import type { Incoming } from '../../core/media.ts';
import { photoLimit } from '../../core/photo.ts';
import { validate } from '../../core/validate.ts';
import type { Authenticate } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import type { Route } from './routes.ts';

export interface FormOptions {
  dispatch: Dispatch;
  authenticate: Pick<Authenticate, 'stands'>;
}

/** Fields beside a file, and bytes of one. */
const limits = { files: 1, fields: 20, fieldSize: 16 * 1024, fileSize: Infinity };

/** The routes of this scope take forms as well; those of others do not. */
export async function registerForms(scope: FastifyInstance): Promise<void> {
  await scope.register(multipart, { limits });
}

/** The only file of a form, in the field of this name. @throws UNSUPPORTED_MEDIA_TYPE, FILE_MISSING, BAD_REQUEST */
export async function readFile(request: FastifyRequest, field: string, stands: () => Promise<boolean>): Promise<Incoming> {
  if (!request.isMultipart()) throw new AppError('UNSUPPORTED_MEDIA_TYPE');
  const part = await request.file().catch(toFormError);
  if (part?.fieldname !== field || Object.keys(part.fields).length > 1) throw new AppError('FILE_MISSING');
  return toIncoming(request, part, stands);
}

/**
 * Runs an operation on a form: its file is sent in first, and named by its id. Of what fails no file is left.
 * @throws VALIDATION_FAILED, BAD_REQUEST, what sending a file in throws, and what the operation throws
 */
export async function runForm({ dispatch, authenticate }: FormOptions, { operation, form = 'photo' }: Route, request: FastifyRequest, caller: Caller): Promise<unknown> {
  const given: Record<string, unknown> = {};
  let file: FileInfo | undefined;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') given[part.fieldname] = part.value;
      else if (part.fieldname !== form) throw new AppError('FILE_MISSING');
      else file = await sendIn(dispatch, caller, { ...toIncoming(request, part, () => authenticate.stands(caller)), maximum: photoLimit });
    }
    if (!(await authenticate.stands(caller))) throw new AppError('UNAUTHENTICATED');
    const input = { ...given, ...(file && { [form]: file.id }), ...(request.params as object) };
    return await dispatch.run(operation, caller, validate(requireOperation(operation).input, input, 'text'));
  } catch (error) {
    // It would go by itself, a day later.
    if (file) await dispatch.run('files.remove', caller, { id: file.id }).catch(() => undefined);
    throw error instanceof AppError ? error : toFormError(error);
  }
}

async function sendIn(dispatch: Dispatch, caller: Caller, file: Incoming): Promise<FileInfo> {
  dispatch.admit('files.upload', caller);
  return (await dispatch.run('files.upload', caller, { file })) as FileInfo;
}

/** @param stands asked when all has come: that takes its time, and the session may have ended meanwhile */
function toIncoming({ headers: { 'content-length': announced } }: FastifyRequest, { filename, file }: MultipartFile, stands: () => Promise<boolean>): Incoming {
  const content = async function* () {
    try {
      yield* file;
    } catch (error) {
      toFormError(error);
    }
    if (!(await stands())) throw new AppError('UNAUTHENTICATED');
  };
  return { name: filename, content: Readable.from(content(), { objectMode: false }), ...(announced !== undefined && { announced: Number(announced) }) };
}

/** What is no form is told so, whatever the parser says of it. */
function toFormError(error: unknown): never {
  const { code = '' } = error as { code?: string };
  throw new AppError(code.endsWith('_LIMIT') ? 'FILE_MISSING' : 'BAD_REQUEST');
}
