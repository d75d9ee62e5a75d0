import { expect, test } from 'vitest'
import { parseColor } from '../../../data/anndata/named-colors.ts'
import type { StoredColor } from '../../../protocol/pipe.ts'

test.each<[StoredColor, string | null]>([
  ['#1F77B4', '#1f77b4'],
  ['#abc', '#aabbcc'],
  ['#abcd', '#aabbccdd'],
  ['rebeccapurple', '#663399'],
  ['Tab:Blue', '#1f77b4'],
  ['k', '#000000'],
  ['K', null],
  ['C13', '#d62728'],
  ['xkcd:sea blue', '#047495'],
  ['xkcd:nothing', null],
  ['constructor', null],
  ['indianred 3', '#cd5555'],
  ['1', '#ffffff'],
  ['nan', null],
  ['not a colour', null],
  ['', null],
  ['#12345', null],
  ['url(https://example.test/x)', null],
  ['red;background:url(x)', null],
  // A half goes to the even neighbour, as in Python: 0.3 × 255 is 76.5, 0.5 × 255 is 127.5.
  [[0.3, 0.5, 1], '#4c80ff'],
  [[-0.1, 0, 0], null],
  [[1, 0], null],
  [[Number.NaN, 0, 0], null],
  [['red', 0.5], '#ff000080'],
  [['red', 2], null],
  [null, null],
])('%j is %s', (color, expected) => {
  expect(parseColor(color)).toBe(expected)
})
