/** A file that is not what it has to be, and why. */
export class Unfit extends Error {
  override readonly name = 'Unfit';

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
  }
}
