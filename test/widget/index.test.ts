import { expect, test } from 'vitest'
import widget from '../../widget/index.ts'
import { reaches, startWidgetHost, welcome } from '../stage/widget-host.ts'
import { fakeServer, ourServer } from './fake-servers.ts'

/** Listeners on the objects that outlive a view, by happy-dom's own books. */
function countListeners(): number {
  return [window, document, document.body].reduce((sum, target) => sum + listenersOf(target), 0)
}

function listenersOf(target: object): number {
  const books = Object.getOwnPropertySymbols(target).find((key) => key.description === 'listeners')
  // happy-dom keeps { bubbling, capturing }, each a map of lists.
  const phases = books === undefined ? {} : (target as Record<symbol, Record<string, Map<string, unknown[]>>>)[books]
  return Object.values(phases ?? {}).reduce((sum, lists) => sum + [...lists.values()].flat().length, 0)
}

test('the module is one function that makes initialize and render', () => {
  expect(Object.keys(widget())).toEqual(['initialize', 'render'])
})

test('after 100 renders and removals nothing listens that did not before', { timeout: 60_000 }, async () => {
  const server = await fakeServer(ourServer())
  const host = await startWidgetHost()
  await host.kernel.push(welcome({ port: server.port }))
  const cycle = async () => {
    const view = await host.render()
    const page = await view.page()
    page.greet()
    await page.heard('start')
    page.send({ kind: 'drawn', cells: 1 })
    await reaches(view.root, 'ready')
    const whileShown = countListeners()
    view.remove()
    return whileShown
  }
  const whileShown = await cycle()
  const before = countListeners()
  expect(whileShown).toBeGreaterThan(before)
  for (let count = 0; count < 100; count++) await cycle()
  expect(countListeners()).toBe(before)
  expect(document.querySelectorAll('iframe')).toHaveLength(0)
})

test('a host that gives no signal ends the view by the returned clean-up', () => {
  const model = { get: () => undefined, on: () => undefined, off: () => undefined, send: () => undefined }
  const el = document.createElement('div')
  const end = widget().render({ model, el })
  expect(el.querySelector('.cellucid-notebook')).not.toBeNull()
  end()
  expect(el.childElementCount).toBe(0)
})
