import { expect, test } from 'vitest'
import { parseColor, rgbToHex } from '../../../server/sources/colors.ts'

test.each([
  ['#1F77B4', '#1f77b4'],
  ['#abc', '#aabbcc'],
  ['#abcd', '#aabbccdd'],
  ['#11223344', '#11223344'],
  ['rebeccapurple', '#663399'],
  ['Tab:Blue', '#1f77b4'],
  ['tab:grey', '#7f7f7f'],
  ['k', '#000000'],
  ['C3', '#d62728'],
  ['C13', '#d62728'],
  ['0.5', '#808080'],
  ['1', '#ffffff'],
  ['not a colour', null],
  ['', null],
  ['#12345', null],
  ['url(https://example.test/x)', null],
  ['red;background:url(x)', null],
])('%s is %s', (text, expected) => {
  expect(parseColor(text)).toBe(expected)
})

test('parts from 0 to 1 become two digits each, and are cut to that range', () => {
  expect(rgbToHex([0, 0.5, 1])).toBe('#0080ff')
  expect(rgbToHex([-1, 2, 0.2, 1])).toBe('#00ff33ff')
})
