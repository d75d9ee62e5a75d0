import { expect, test } from 'vitest'
import { ProtocolError } from '../../protocol/errors.ts'
import { visible } from '../../protocol/visible-text.ts'
import { readJson } from './fixtures.ts'

const cases = readJson<{ text: string; shown: string }[]>('shown-texts')

test.each(cases)('$text is shown as $shown, here as in Python', ({ text, shown }) => {
  expect(visible(text)).toBe(shown)
})

test('half a surrogate, which JSON cannot carry between the two, is replaced too', () => {
  expect(visible('a\ud800b')).toBe('a\ufffdb')
})

test('no error that crosses a border carries what steers a terminal', () => {
  expect(new ProtocolError('not_found', 'no "\u001b[2J\u202e"').message).toBe('no "\ufffd[2J\ufffd"')
})
