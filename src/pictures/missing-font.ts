/** Who is told of characters that no font has. It is apart from the code that draws, which loads with the first picture. */
let listener: (text: string) => void = (text) => process.emitWarning(text);

/**
 * Sets who is told, in a sentence, of characters that no font has: once for each kind of them, with the name of a font to
 * install. By default Node prints a warning.
 */
export function onMissingFont(tell: (text: string) => void): void {
  listener = tell;
}

export function tellMissingFont(text: string): void {
  listener(text);
}
