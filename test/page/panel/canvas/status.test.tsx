import { render } from 'preact'
import { expect, onTestFinished, test } from 'vitest'
import { Status } from '../../../../page/panel/canvas/status.tsx'
import { type PageContext, providePage } from '../../../../page/panel/page-context.ts'
import { Store } from '../../../../page/state/store.ts'

/** What is said over the picture. */
function said(store: Store): HTMLElement {
  providePage({ viewer: { store } } as PageContext) // it looks at nothing else
  const place = document.createElement('div')
  render(<Status />, place)
  onTestFinished(() => render(null, place))
  return place
}

test('a read that takes long tells how far it is, and is not read aloud at every percent', () => {
  const store = new Store()
  store.begin('color', 'CD3D')
  expect(said(store).textContent).toBe('Reading CD3D … ')
  store.reading.value = 0.405
  const place = said(store)
  expect(place.textContent).toBe('Reading CD3D … 40 %')
  expect(place.querySelector('[aria-hidden=true]')?.textContent).toBe('40 %')
})
