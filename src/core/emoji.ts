/** What counts as one emoji: the sequences that Unicode recommends for general interchange (UTS #51, RGI). */

/** As a text: TypeScript does not know the flag in the language we compile to, Node does. */
const oneEmoji = new RegExp('^\\p{RGI_Emoji}$', 'v');

/** Asks for the form as a picture of a character that may also stand as text (UTS #51, emoji presentation selector). */
const asPicture = '\uFE0F';

/** A character that stands as text unless it is asked for as a picture, or has a color of skin. */
const asText = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;

/** The one form under which reactions are counted, fully qualified (UTS #51, ED-18a): "❤" is "❤️". */
export const toEmoji = (text: string): string => (oneEmoji.test(text) ? text : text.replaceAll(asPicture, '').replace(asText, `$&${asPicture}`));

export const isEmoji = (text: string): boolean => oneEmoji.test(toEmoji(text));
