import { signal } from '@preact/signals'
import { createRef, render } from 'preact'
import { expect, onTestFinished, test, vi } from 'vitest'
import { suggestionsFor } from '../../../../page/columns/suggestions.ts'
import { Tooltip } from '../../../../page/panel/canvas/tooltip.tsx'
import { Combobox } from '../../../../page/panel/controls/combobox.tsx'
import { CellTable } from '../../../../page/panel/drawer/cell-table.tsx'
import { Drawer } from '../../../../page/panel/drawer/drawer.tsx'
import { type PageContext, providePage } from '../../../../page/panel/page-context.ts'
import { FieldChoice } from '../../../../page/panel/sections/field-choice.tsx'
import { Store } from '../../../../page/state/store.ts'
import { IDENTITY } from '../../memory-server.ts'

const WIDE = {
  ...IDENTITY,
  obs: Array.from({ length: 3000 }, (_, i) => ({ key: `field ${i}`, kind: 'continuous' as const, version: '1' })),
}
const X = { in: 'X' } as const

function place(): HTMLElement {
  const element = document.createElement('div')
  document.body.append(element)
  onTestFinished(() => {
    render(null, element)
    element.remove()
  })
  return element
}

function press(input: Element, key: string): void {
  input.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
}

test('of 3,000 fields the box lists those in sight, and keys reach the last one', async () => {
  const element = place()
  const onChoose = vi.fn()
  render(
    <Combobox
      id="color-by"
      label="Colour by"
      placeholder=""
      shown=""
      typed={signal('')}
      suggestions={suggestionsFor({ identity: WIDE, recent: [], matrix: X }, [], '')}
      isComplete
      nothing=""
      inputRef={createRef()}
      onChoose={onChoose}
    />,
    element,
  )
  const input = element.querySelector('input')!
  input.click()
  await vi.waitFor(() => expect(element.querySelector('[role=option]')).not.toBeNull())
  expect(element.querySelectorAll('[role=option]').length).toBeLessThan(100)
  expect(element.querySelector('[role=option]')?.getAttribute('aria-setsize')).toBe('3001')
  press(input, 'ArrowUp')
  const active = () => document.getElementById(input.getAttribute('aria-activedescendant') ?? '')
  await vi.waitFor(() => expect(active()?.textContent).toContain('One colour for all'))
  press(input, 'ArrowUp')
  await vi.waitFor(() => expect(active()?.textContent).toContain('field 2999'))
  expect(active()?.getAttribute('aria-posinset')).toBe('3000')
  expect(element.querySelectorAll('[role=option]').length).toBeLessThan(100)
  press(input, 'Enter')
  expect(onChoose.mock.calls[0]?.[0].by).toEqual({ axis: 'obs', key: 'field 2999' })
})

test('of 3,000 fields the choice for the table lists those in sight; scrolling and searching reach the others', async () => {
  const element = place()
  const store = new Store()
  store.identity.value = WIDE
  providePage({ viewer: { store } } as PageContext) // it looks at nothing else
  render(<FieldChoice />, element)
  expect(element.querySelectorAll('[type=checkbox]').length).toBeLessThan(100)
  const list = element.querySelector('.fields')!
  list.scrollTop = 2000 * 24
  list.dispatchEvent(new Event('scroll'))
  await vi.waitFor(() => expect(element.textContent).toContain('field 2000'))
  expect(element.querySelectorAll('[type=checkbox]').length).toBeLessThan(100)
  const search = element.querySelector<HTMLInputElement>('[type=search]')!
  search.value = 'FIELD 2999'
  search.dispatchEvent(new Event('input'))
  await vi.waitFor(() => expect(element.querySelectorAll('.check')).toHaveLength(1))
  element.querySelector<HTMLInputElement>('[type=checkbox]')!.click()
  expect(store.fields.value).toEqual([{ axis: 'obs', key: 'field 2999' }])
})

test('of 3,000 fields of categories the drawer lists those in sight, and a search finds the others', async () => {
  const element = place()
  const store = new Store()
  store.identity.value = { ...WIDE, obs: WIDE.obs.map((field) => ({ ...field, kind: 'categorical' as const })) }
  store.closerLook.value = { ...store.closerLook.value, view: 'violins' }
  const column = vi.fn(async () => new Promise<never>(() => undefined))
  providePage({ viewer: { store, column, failed: () => () => undefined } } as unknown as PageContext)
  render(<Drawer />, element)
  expect(element.querySelectorAll('*').length).toBeLessThan(100)
  const input = element.querySelector<HTMLInputElement>('[role=combobox]')!
  expect(input.value).toBe('field 0')
  input.click()
  await vi.waitFor(() => expect(element.querySelector('[role=option]')).not.toBeNull())
  expect(element.querySelectorAll('*').length).toBeLessThan(300)
  input.value = 'FIELD 2999'
  input.dispatchEvent(new Event('input', { bubbles: true }))
  await vi.waitFor(() => expect(element.querySelectorAll('[role=option]')).toHaveLength(1))
  press(input, 'Enter')
  await vi.waitFor(() => expect(store.closerLook.value.by).toBe('field 2999'))
  expect(input.value).toBe('field 2999')
  await vi.waitFor(() => expect(column).toHaveBeenLastCalledWith({ axis: 'obs', key: 'field 2999' }, expect.anything()))
})

function provideColumns(count: number): void {
  const store = new Store()
  store.identity.value = IDENTITY
  const values = { kind: 'dense', values: new Float32Array(IDENTITY.nObs), min: 0, max: 0, missingCells: 0 } as const
  const columns = Array.from({ length: count }, (_, i) => ({ by: { axis: 'obs', key: `field ${i}` }, column: values }))
  const viewer = { store, knownColumns: () => columns, cellName: async () => 'name' }
  providePage({ viewer, canvas: { clientWidth: 500, clientHeight: 500 } } as unknown as PageContext)
}

test('of 3,000 chosen columns the table has those in sight, and scrolling reaches the last one', async () => {
  const element = place()
  provideColumns(3000)
  render(<CellTable />, element)
  expect(element.querySelectorAll('*').length).toBeLessThan(1500)
  expect(element.querySelector('table')?.getAttribute('aria-colcount')).toBe('3001')
  const table = element.querySelector('.table')!
  table.scrollLeft = 3000 * 120
  table.dispatchEvent(new Event('scroll'))
  await vi.waitFor(() => expect(element.querySelector('thead')?.textContent).toContain('field 2999'))
  expect(element.querySelector('thead [aria-colindex="3001"]')?.textContent).toBe('field 2999')
  expect(element.querySelectorAll('*').length).toBeLessThan(1500)
})

test('of 3,000 chosen columns the pointer is told the first ones, and how many more there are', () => {
  const element = place()
  provideColumns(3000)
  render(<Tooltip cell={0} at={[10, 10]} />, element)
  expect(element.querySelectorAll('span').length).toBeLessThan(30)
  expect(element.textContent).toContain('and 2976 more, in the table')
})
