/** Control characters, half surrogates, separators of lines, and what turns the direction of text. */
const STEERING = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * Text without characters that steer a terminal or a line of text instead of standing in it: each becomes U+FFFD. Names
 * come from files of strangers, and every sentence that holds one passes here. Python has the same in `_wire/visible_text.py`.
 */
export function visible(text: string): string {
  return text.replace(STEERING, '\ufffd')
}
