/** The name of a file, as it is shown and downloaded: whatever a program has given it, it is a name and nothing else. */

/** Characters of a name at most, and of its ending. */
const longest = 150;
const longestEnding = 20;

/** What turns the direction of a text round: "gpj.exe" would look like "exe.jpg". Letters that are written from the right need none of it. */
const turning = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** Not of a path any more, on one line, and not empty. */
export function toFileName(given: string): string {
  const [last = ''] = given.split(/[/\\]/).slice(-1);
  const name = last.replace(turning, '').replace(/[\p{Cc}\p{Cs}]+/gu, ' ').normalize('NFC').replace(/\s+/gu, ' ').replace(/^[. ]+|[. ]+$/g, '');
  return shorten(name) || 'file';
}

/** Its ending stays, for that is what programs go by. */
function shorten(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= longest) return name;
  const ending = /\.[^. ]+$/u.exec(name)?.[0] ?? '';
  const kept = Array.from(ending).length <= longestEnding ? ending : '';
  return characters.slice(0, longest - Array.from(kept).length).join('') + kept;
}
