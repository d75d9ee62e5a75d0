import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { ROUTES } from '../../../protocol/urls.ts'
import { hostHeaders, isLoopbackAddress, namesOf } from '../../../server/access/served-hosts.ts'
import { appStage, HOST } from '../../stage/app-stage.ts'

const NAME = 'node7.cluster.example'
const LIST = 'aaaaaaaaaaaaaaaa'

/** A server that other machines reach as `node7.cluster.example:8765`. */
async function exposedStage() {
  const stage = await appStage()
  const viewer = stage.open()
  stage.viewers.expose({ hosts: hostHeaders([NAME], 8765), admits: (id) => id === LIST })
  const ask = async (url: string, { host = `${NAME}:8765`, ...headers }: Record<string, string> = {}) => {
    const answer = await stage.app.inject({ url, headers: { host, ...headers } })
    return answer.statusCode
  }
  const trade = (headers: Record<string, string>) =>
    stage.app.inject({
      method: 'POST',
      url: `/${ROUTES.key}`,
      headers: { host: `${NAME}:8765`, 'content-type': 'application/json', ...headers },
      payload: { viewerId: viewer.viewerId, viewerToken: viewer.viewerToken },
    })
  return { ...stage, viewer, ask, trade }
}

describe('a server that listens for other machines', () => {
  test('says nothing on any route to who names no viewer, not even that it is there', async () => {
    const { ask } = await exposedStage()
    for (const host of [`${NAME}:8765`, HOST]) {
      for (const path of ['/', ...Object.values(ROUTES).map((route) => `/${route}`)]) {
        const expected = path === `/${ROUTES.key}` || path === `/${ROUTES.channel}` ? [400, 405] : [401, 405]
        expect(expected, `${host}${path}`).toContain(await ask(path, { host }))
      }
      expect(await ask('/?viewerId=0000000000000000', { host })).toBe(401)
    }
  })

  test('shows the page of a viewer, and with its key the data, under the name it was given', async () => {
    const { ask, key, viewer } = await exposedStage()
    expect(await ask(`/?viewerId=${viewer.viewerId}`)).toBe(200)
    expect(await ask(`/?viewerId=${LIST}`)).toBe(200)
    const { headers } = key(viewer)
    expect(await ask(`/${ROUTES.identity}`, { ...headers, host: `${NAME}:8765` })).toBe(200)
    expect(await ask(`/${ROUTES.health}`, { ...headers, host: `${NAME}:8765` })).toBe(200)
  })

  test('answers to no other name, port or form of it', async () => {
    const { ask, viewer } = await exposedStage()
    for (const host of [`${NAME}:8766`, NAME, `evil.${NAME}:8765`, `${NAME}.evil:8765`, '0.0.0.0:8765', 'evil:8765']) {
      expect(await ask(`/?viewerId=${viewer.viewerId}`, { host }), host).toBe(421)
    }
    expect(await ask(`/?viewerId=${viewer.viewerId}`, { host: `${NAME.toUpperCase()}:8765` })).toBe(200)
  })

  test('trades the token for a key with its own page alone, not with one of another origin', async () => {
    const { trade } = await exposedStage()
    expect((await trade({ origin: `http://${NAME}:8765` })).statusCode).toBe(200)
    for (const origin of ['http://evil.example', `https://${NAME}:8765`, `http://${NAME}`, 'http://127.0.0.1:8765']) {
      expect((await trade({ origin })).statusCode, origin).toBe(403)
    }
  })
})

test('the wildcard address stands for the addresses and the name of this machine, never for itself', () => {
  const names = namesOf('0.0.0.0')
  const outside = Object.values(networkInterfaces()).flatMap((each) => each?.filter(({ internal }) => !internal) ?? [])
  for (const { address, scopeid, family } of outside) {
    if (!scopeid) expect(namesOf('::')).toContain(address)
    // A server of every IPv4 address is reached by no other.
    expect(names.includes(address)).toBe(family === 'IPv4')
  }
  expect(names.filter((name) => isLoopbackAddress(name) || name === '0.0.0.0')).toEqual([])
  expect(namesOf('node7')).toEqual(['node7'])
})

test('an address that only this machine reaches exposes nothing', () => {
  expect(['127.0.0.1', '127.0.0.53', 'localhost', '::1'].map(isLoopbackAddress)).toEqual([true, true, true, true])
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil', 'localhost.evil', '1.127.0.0.1'].some(isLoopbackAddress)).toBe(
    false,
  )
})

test('IPv6 addresses are written in brackets, as browsers do', () => {
  expect([...hostHeaders(['fd00::7', '10.0.0.7', 'Node7', 'no name'], 8765)]).toEqual([
    '[fd00::7]:8765',
    '10.0.0.7:8765',
    'node7:8765',
  ])
})
