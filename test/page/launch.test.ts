import { describe, expect, test } from 'vitest'
import { takeLaunch } from '../../page/launch.ts'

const VIEWER = '0123456789abcdef'
const TOKEN = 'ab'.repeat(32)

function openAt(address: string) {
  const url = new URL(address, 'https://hub.example/user/a/proxy/8765/')
  const replaced: string[] = []
  const history = {
    state: null,
    replaceState: (_state: unknown, _title: string, to?: string | URL | null) => replaced.push(String(to)),
  }
  const launch = takeLaunch({ location: { href: url.href, search: url.search, hash: url.hash }, history })
  return { launch, replaced }
}

describe('the launch', () => {
  test.each([
    ['fragment', `?jupyter=true&viewerId=${VIEWER}#viewerToken=${TOKEN}`],
    ['query', `?jupyter=true&viewerId=${VIEWER}&viewerToken=${TOKEN}`],
  ])('takes the token out of the %s and leaves only the public id', (_where, address) => {
    const { launch, replaced } = openAt(address)
    expect(launch).toEqual({ viewerId: VIEWER, token: TOKEN, isTunnel: false })
    expect(replaced).toEqual([`?jupyter=true&viewerId=${VIEWER}`])
  })

  test('takes out a token that is malformed too: it may be most of a secret', () => {
    const { launch, replaced } = openAt(`?viewerId=${VIEWER}#viewerToken=${TOKEN.slice(1)}`)
    expect(launch.token).toBeNull()
    expect(replaced).toHaveLength(1)
  })

  test('leaves an address without a token alone', () => {
    const { launch, replaced } = openAt(`?jupyter=true&viewerId=${VIEWER}`)
    expect(launch).toEqual({ viewerId: VIEWER, token: null, isTunnel: false })
    expect(replaced).toEqual([])
  })

  test('knows the tunnel by its address', () => {
    expect(openAt('about:srcdoc').launch).toEqual({ viewerId: null, token: null, isTunnel: true })
  })
})
