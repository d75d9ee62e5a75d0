import { render } from 'preact'
import { expect, onTestFinished, test } from 'vitest'
import { type PageContext, providePage } from '../../../../page/panel/page-context.ts'
import { Notes } from '../../../../page/panel/sections/notes.tsx'
import { Store } from '../../../../page/state/store.ts'
import { IDENTITY } from '../../memory-server.ts'

/** What the panel says below the name of a dataset. */
function shown(identity: typeof IDENTITY): HTMLElement {
  const store = new Store()
  store.identity.value = identity
  providePage({ viewer: { store } } as PageContext) // it looks at nothing else
  const place = document.createElement('div')
  render(<Notes />, place)
  onTestFinished(() => render(null, place))
  return place
}

test('what of a dataset and of its fields could not be read is named with the reason, as text', () => {
  const markup = '<img src=x onerror=alert(1)>'
  const place = shown({
    ...IDENTITY,
    obs: [
      ...IDENTITY.obs,
      { key: markup, kind: 'unsupported', reason: 'has shape (39) where 40 values belong', version: '1' },
    ],
    notes: ['obsm "neighbours" is not drawn.'],
  })
  expect(place.querySelector('summary')?.textContent).toBe('2 notes on the data')
  expect([...place.querySelectorAll('p')].map(({ textContent }) => textContent)).toEqual([
    'obsm "neighbours" is not drawn.',
    `${markup}: has shape (39) where 40 values belong.`,
  ])
  expect(place.querySelector('img')).toBeNull()
})

test('a dataset that was read whole has no notes', () => {
  expect(shown(IDENTITY).innerHTML).toBe('')
})
