/** Texts as people write them, as far as an index can tell: words by Zipf's law, of real beginnings and endings. */

const common = {
  russian: 'и в не на я что он с это как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет о из ему теперь когда даже ну вдруг ли если уже или быть был него до вас опять вам сказал ведь там потом себя ничего ей может они тут где есть надо для мы тебя их чем была сам чтоб без будто человек раз тоже себе под жизнь будет тогда кто этот говорил потому какой совсем здесь один почти мой тем чтобы кажется сейчас были куда зачем сказать всех никогда сегодня можно при наконец два другой хоть после над больше тот через эти нас про много разве три моя хорошо свою этой перед иногда лучше том нельзя такой им более всегда конечно всю между привет спасибо завтра вчера встреча деньги работа дом'.split(' '),
  english: 'the to and a of in is you that it for on have with be this are not but at we they i so do can your what as will my if me about just like get one all go out up when there know time how them some would make right see now then good think come'.split(' '),
};
const beginnings = { russian: ['', '', '', '', '', '', 'при', 'про', 'пере', 'за', 'вы', 'по', 'на', 'раз', 'под', 'об', 'от', 'до', 'у', 'с', 'рас'], english: ['', '', '', '', 'un', 're', 'con', 'pre'] };
const syllables = {
  russian: 'ба ва го де жи зо ко ла мо ни па ро су ти фе хо ца чи ша ще стро кра вле дру гла тор мен вер каз дел ход лож пис смот'.split(' '),
  english: 'ba con der fin gra hel in jo ker lan men nor per qui ra sta ter un ver wor tion play time ness'.split(' '),
};
const endings = { russian: 'ть ла ли л ный ная ные ного ом ами ах ов ие ия ость ости а у ы е ешь ет ют'.split(' '), english: ['', 's', 'ed', 'ing', 'er', 'ly', 'able', 'ment'] };
const vocabularySize = { russian: 40_000, english: 20_000 };

export type SpokenLanguage = keyof typeof common;

/** The same numbers at every run: mulberry32, by Tommy Ettinger. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts of one to sixty words, eight on average. */
export function createSpeech(random: () => number): (language: SpokenLanguage) => string {
  const draw = { russian: createDraw(vocabularyOf('russian', random), random), english: createDraw(vocabularyOf('english', random), random) };
  return (language) => Array.from({ length: Math.min(60, 1 + Math.floor(-Math.log(1 - random()) * 8)) }, draw[language]).join(' ');
}

function vocabularyOf(language: SpokenLanguage, random: () => number): string[] {
  const pick = (parts: readonly string[]): string => parts[Math.floor(random() * parts.length)] ?? '';
  const words = new Set(common[language]);
  while (words.size < vocabularySize[language]) {
    const middle = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(syllables[language])).join('');
    words.add(pick(beginnings[language]) + middle + pick(endings[language]));
  }
  return [...words];
}

/** The word of each rank with the probability that Zipf and Mandelbrot give it. */
function createDraw(words: readonly string[], random: () => number): () => string {
  let sum = 0;
  const sums = words.map((_, rank) => (sum += 1 / (rank + 2.7)));
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return words[low] ?? '';
  };
}
