import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { rowLine, withRows } from '../../scripts/matrix-docs.mjs'
import { ENVIRONMENTS as PLAYED } from '../matrix/environments.ts'

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

const TEXT = `before
<!-- matrix: written by \`npm run matrix\` -->
| Where | | The page reaches its data | First picture | |
|---|---|---|---|---|
| Colab | stand-in | through the notebook | 7.6 s | works |
| JupyterLab in a container | real | directly | 9.9 s | fails |
| JupyterLab that nobody plays any more | real | directly | 1.0 s | works |
<!-- /matrix -->
after
`
const ENVIRONMENTS = [
  { name: 'container', title: 'JupyterLab in a container' },
  { name: 'colab', title: 'Colab' },
  { name: 'new', title: 'JupyterLab' },
]

test('a row says of an environment whether it is real, how the data comes, and whether it works', () => {
  const failed = { ...ROW, title: 'Colab', real: false, transport: null, firstPictureMs: null, ok: false }
  expect([ROW, failed].map(rowLine)).toEqual([
    '| JupyterLab in a container | real | through the notebook | 5.1 s | works |',
    '| Colab | stand-in | through the notebook |  | fails |',
  ])
})

test('what was played takes the place of its old row, and what was not keeps the one that it has', () => {
  expect(withRows(TEXT, ENVIRONMENTS, [ROW]).split('\n').slice(4, -3)).toEqual([
    '| JupyterLab in a container | real | through the notebook | 5.1 s | works |',
    '| Colab | stand-in | through the notebook | 7.6 s | works |',
  ])
  expect(withRows(withRows(TEXT, ENVIRONMENTS, [ROW]), ENVIRONMENTS, [])).toBe(withRows(TEXT, ENVIRONMENTS, [ROW]))
  expect(withRows('no marks', ENVIRONMENTS, [ROW])).toBe('no marks')
})

test('the tables of the documentation hold every environment, so that one played alone keeps all others', () => {
  for (const file of ['README.md', 'docs/environments.md']) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    expect(
      withRows(
        text,
        PLAYED.filter(({ isFaulty }) => !isFaulty),
        [],
      ),
      file,
    ).toBe(text)
  }
})
