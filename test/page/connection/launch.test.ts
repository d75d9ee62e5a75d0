import { describe, expect, test } from 'vitest'
import { takeLaunch } from '../../../page/connection/launch.ts'

const VIEWER = '0123456789abcdef'
const TOKEN = 'ab'.repeat(32)

const KEY = 'k'.repeat(43)

/** @param left what the page before left in this tab's history */
function openAt(address: string, left: unknown = null) {
  const url = new URL(address, 'https://hub.example/user/a/proxy/8765/')
  const replaced: string[] = []
  const history = {
    state: left,
    replaceState: (state: unknown, _title: string, to?: string | URL | null) => {
      history.state = state
      replaced.push(String(to))
    },
  }
  const launch = takeLaunch({ location: { href: url.href, search: url.search, hash: url.hash }, history })
  return { launch, replaced, left: history.state }
}

describe('the launch', () => {
  test.each([
    ['fragment', `?jupyter=true&viewerId=${VIEWER}#viewerToken=${TOKEN}`],
    ['query', `?jupyter=true&viewerId=${VIEWER}&viewerToken=${TOKEN}`],
  ])('takes the token out of the %s and leaves only the public id', (_where, address) => {
    const { launch, replaced } = openAt(address)
    expect(launch).toEqual({ viewerId: VIEWER, token: TOKEN, frame: null, isTunnel: false })
    expect(replaced).toEqual([`?jupyter=true&viewerId=${VIEWER}`])
  })

  test('takes out the nonce that says which frame a token is for', () => {
    const nonce = 'n'.repeat(22)
    const { launch, replaced } = openAt(`?viewerId=${VIEWER}#viewerToken=${TOKEN}&nonce=${nonce}`)
    expect(launch).toEqual({ viewerId: VIEWER, token: TOKEN, frame: nonce, isTunnel: false })
    expect(replaced).toEqual([`?jupyter=true&viewerId=${VIEWER}`])
  })

  test('takes out a token that is malformed too: it may be most of a secret', () => {
    const { launch, replaced } = openAt(`?viewerId=${VIEWER}#viewerToken=${TOKEN.slice(1)}`)
    expect(launch.token).toBeNull()
    expect(replaced).toHaveLength(1)
  })

  test('finds no secret in an address without one', () => {
    const { launch, replaced } = openAt(`?jupyter=true&viewerId=${VIEWER}`)
    expect(launch).toEqual({ viewerId: VIEWER, token: null, frame: null, isTunnel: false })
    expect(replaced).toEqual([`?jupyter=true&viewerId=${VIEWER}`])
  })

  test('takes what the page before left in the tab’s history, so that no copy of the tab has it', () => {
    const { launch, left } = openAt(`?jupyter=true&viewerId=${VIEWER}`, KEY)
    expect([launch.token, left]).toEqual([KEY, null])
    const fresh = openAt(`?jupyter=true&viewerId=${VIEWER}&viewerToken=${TOKEN}`, KEY)
    expect([fresh.launch.token, fresh.left]).toEqual([TOKEN, null])
    expect(openAt(`?viewerId=${VIEWER}`, { scroll: 3 }).launch.token).toBeNull()
  })

  test('knows the tunnel by its address', () => {
    expect(openAt('about:srcdoc').launch).toEqual({ viewerId: null, token: null, frame: null, isTunnel: true })
  })
})
