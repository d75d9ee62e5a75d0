import { expect, test } from 'vitest'
import { type Nonce, parseViewerId, parseViewerToken } from '../../protocol/probe.ts'
import { frameUrl, parseBase, ROUTES, viewerUrl } from '../../protocol/urls.ts'
import { readJson } from './fixtures.ts'

type Golden = {
  page: Record<'base' | 'viewerId' | 'token' | 'frameUrl' | 'viewerUrl', string>
  bases: [string, string | null][]
}
const { page, bases } = readJson<Golden>('urls')

test('the frame gets the token in the fragment, the printed URL in the query', () => {
  const viewerId = parseViewerId(page.viewerId)
  const token = parseViewerToken(page.token)
  if (viewerId === null || token === null) throw new Error('the golden file holds what no parser takes')
  const nonce = 'A'.repeat(22) as Nonce // as long as one
  expect(frameUrl(page.base, viewerId, { token, nonce })).toBe(`${page.frameUrl}&nonce=${nonce}`)
  expect(viewerUrl(page.base, viewerId, token)).toBe(page.viewerUrl)
  expect(new URL(page.frameUrl).search).not.toContain(page.token)
})

test.each(bases)('%j is the base %j', (text, base) => {
  expect(parseBase(text)).toBe(base)
})

test('no route leaves the prefix that a proxy added', () => {
  for (const route of Object.values(ROUTES)) {
    expect(new URL(route, page.base).href.startsWith(page.base)).toBe(true)
  }
})
