import { expect, test } from 'vitest'
import { matrixTable, withTable } from '../../scripts/matrix-docs.mjs'

const ROW = {
  environment: 'container',
  title: 'JupyterLab in a container',
  real: true,
  faulty: false,
  expectedTransport: 'tunnel',
  transport: 'tunnel',
  cells: 700,
  firstPictureMs: 5_149,
  ok: true,
  note: '',
}

test('the table says of each environment whether it is real, how the data comes, and whether it works', () => {
  const failed = { ...ROW, title: 'Colab', real: false, transport: null, firstPictureMs: null, ok: false }
  expect(matrixTable([ROW, failed]).split('\n').slice(2)).toEqual([
    '| JupyterLab in a container | real | through the notebook | 5.1 s | works |',
    '| Colab | stand-in | through the notebook |  | fails |',
  ])
})

test('a new table takes the place of the old one, and a text without marks stays as it is', () => {
  const text = 'before\n<!-- matrix: written by `npm run matrix` -->\n| old |\n<!-- /matrix -->\nafter\n'
  expect(withTable(text, '| new |')).toBe(text.replace('old', 'new'))
  expect(withTable('no marks', '| new |')).toBe('no marks')
})
