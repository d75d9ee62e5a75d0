import { render } from 'preact'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type PageContext, providePage } from '../../../../page/panel/page-context.ts'
import { Legend } from '../../../../page/panel/sections/legend.tsx'
import { Store } from '../../../../page/state/store.ts'
import type { CodesColumn, DenseColumn } from '../../../../protocol/column-frame.ts'

/** The legend of these cells. */
function shown(column: CodesColumn | DenseColumn): HTMLElement {
  const store = new Store()
  store.color.value = { by: { axis: 'obs', key: 'field' }, column }
  providePage({ viewer: { store } } as PageContext) // it looks at nothing else
  const place = document.createElement('div')
  render(<Legend />, place)
  onTestFinished(() => render(null, place))
  return place
}

const TYPES = Array.from({ length: 12 }, (_, i) => `type ${i}`)
const CODES: CodesColumn = {
  kind: 'codes',
  codes: Uint8Array.from(TYPES, (_, i) => i),
  categories: TYPES,
  ordered: false,
  colors: TYPES.map(() => '#808080'),
  missingCells: 0,
}

test('a search among the categories that finds none says so, where a screen reader hears it', async () => {
  const place = shown(CODES)
  const line = place.querySelector('[role=status]')
  expect(line?.textContent).toBe('')
  const box = place.querySelector<HTMLInputElement>('[type=search]')
  if (box === null) throw new Error('no box to search in')
  const search = (text: string) => {
    box.value = text
    box.dispatchEvent(new Event('input'))
  }
  search('TYPE 11')
  await vi.waitFor(() => expect(place.querySelectorAll('.category')).toHaveLength(1))
  expect(line?.textContent).toBe('')
  search('neuron')
  await vi.waitFor(() => expect(line?.textContent).toBe('No category matches “neuron”.'))
  expect(place.querySelectorAll('.category')).toHaveLength(0)
})

test('colours of the dataset that are not used are named below its field', () => {
  expect(shown({ ...CODES, colorNote: 'uns "field_colors" has 2 colours' }).textContent).toContain('has 2 colours')
  expect(shown(CODES).querySelectorAll('.hint')).toHaveLength(1)
})

test('a field without a value in any cell has no empty search', () => {
  const place = shown({ ...CODES, codes: Uint8Array.of(255), categories: [], missingCells: 1 })
  expect(place.querySelector('[role=status]')?.textContent).toBe('')
  expect(place.textContent).toContain('1 cell without a value: grey.')
})

test('a field of numbers with one value tells that one, and none tells that', () => {
  const values = Float32Array.of(-2.5, Number.NaN, -2.5)
  const one = shown({ kind: 'dense', values, min: -2.5, max: -2.5, missingCells: 1 })
  expect([...one.querySelectorAll('p')].map(({ textContent }) => textContent)).toEqual([
    'All values are -2.5.',
    '1 cell without a value: grey.',
  ])
  expect(one.querySelector('.scale, input, select')).toBeNull()
  const none = shown({ kind: 'dense', values, min: null, max: null, missingCells: 3 })
  expect(none.querySelector('p')?.textContent).toBe('No cell has a value.')
})

test('a field of a few whole numbers offers to be shown as categories, by a button that keys reach', () => {
  const values = Float32Array.of(0, 1, 2, 1)
  const button = shown({ kind: 'dense', values, min: 0, max: 2, missingCells: 0 }).querySelector('button.plain')
  expect(button?.textContent).toBe('Show as categories')
  const parts = Float32Array.of(0, 1.5)
  const none = shown({ kind: 'dense', values: parts, min: 0, max: 1.5, missingCells: 0 })
  expect(none.textContent).not.toContain('Show as')
  expect(shown(CODES).textContent).not.toContain('Show as')
})
