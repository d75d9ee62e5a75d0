import { expect, test } from 'vitest'
import { withoutSecrets } from '../../protocol/secrets.ts'
import { readJson } from './fixtures.ts'

const cases = readJson<{ text: string; shown: string }[]>('secrets')

test.each(cases)('page, widget, server and report show of $text no secret', ({ text, shown }) => {
  expect(withoutSecrets(text)).toBe(shown)
})
