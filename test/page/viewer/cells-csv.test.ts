import { expect, test } from 'vitest'
import { harmless } from '../../../page/viewer/cells-csv.ts'

test.each([
  '=HYPERLINK("http://x")',
  '+1+cmd|x',
  '-2+3',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '=',
  '-',
  '+nan',
  '-inf x',
  '--1',
])('a name such as %j is no formula in a spreadsheet', (text) => expect(harmless(text)).toBe(`'${text}`))

test.each(['-1', '-0.5', '+3', '1e-5', '-1e300', 'CD3D', "'x", 'a=b', 'T cell', '', '0'])('%j stays as it is', (text) =>
  expect(harmless(text)).toBe(text),
)
