import { render } from 'preact'
import { expect, onTestFinished, test } from 'vitest'
import { type PageContext, providePage } from '../../../../page/panel/page-context.ts'
import { SortedGenes } from '../../../../page/panel/sections/sorted-genes.tsx'
import { Store } from '../../../../page/state/store.ts'
import type { Sorting } from '../../../../protocol/channel.ts'

function shown(sorting: Sorting) {
  const store = new Store()
  store.sorting.value = sorting
  let given = 0
  const session = { giveBack: () => given++ }
  providePage({ viewer: { store }, session } as unknown as PageContext) // it looks at nothing else
  const place = document.createElement('div')
  render(<SortedGenes />, place)
  onTestFinished(() => render(null, place))
  return { place, given: () => given }
}

test('what sorted genes take of the kernel’s memory is said, and one click asks for it back', () => {
  const { place, given } = shown({ done: null, note: null, bytes: 1_234_000_000 })
  expect(place.textContent).toBe('Genes are kept sorted: 1.2 GB of kernel memory Give back')
  place.querySelector('button')?.click()
  expect(given()).toBe(1)
})

test('where nothing is kept only the reason is said, and nothing where there is none', () => {
  const note = 'Genes are read from the matrix as it is, which is slower: memory got short.'
  expect(shown({ done: null, note, bytes: 0 }).place.innerHTML).toBe(`<p role="status">${note}</p>`)
  expect(shown({ done: null, note: null, bytes: 0 }).place.innerHTML).toBe('')
  expect(shown({ done: null, note: null }).place.innerHTML).toBe('')
})
