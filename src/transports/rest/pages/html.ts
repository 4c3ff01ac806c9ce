/** HTML in which nothing is markup but what stands in our own source. */
import { escapeHtml } from '../../../core/text.ts';

export interface Html {
  readonly html: string;
}

type Piece = string | Html | readonly Html[] | undefined;

/** The one place where text becomes HTML: a string is escaped, only HTML made here goes in as it is. Attributes stand in double quotes. */
export const html = (parts: TemplateStringsArray, ...pieces: Piece[]): Html => ({
  html: parts.reduce((before, part, index) => before + toMarkup(pieces[index - 1]) + part),
});

function toMarkup(piece: Piece): string {
  if (piece === undefined) return '';
  if (typeof piece === 'string') return escapeHtml(piece);
  return 'html' in piece ? piece.html : piece.map((one) => one.html).join('\n');
}
