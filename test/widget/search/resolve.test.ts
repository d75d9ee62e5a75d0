import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { CandidateReport } from '../../../protocol/comm.ts'
import type { Candidate } from '../../../widget/search/candidates.ts'
import { type Attempt, type Openers, type Question, startProbes, takeBest } from '../../../widget/search/resolve.ts'
import { visit } from '../../stage/widget-host.ts'
import { deadPort, fakeServer, html, IDENTITY, json, ourServer } from '../fake-servers.ts'

beforeEach(() => {
  visit('http://localhost:3000/')
})

const ask = (base: string, kind: Candidate['kind'] = 'direct', retries = false): Candidate => ({
  how: 'ask',
  kind,
  base,
  retries,
})

function question(overrides: Partial<Question> = {}): Question {
  return {
    identity: IDENTITY,
    standpoint: { origin: location.origin, ancestors: '' },
    lateBase: () => Promise.reject(new Error('no late base here')),
    isClicked: false,
    signal: new AbortController().signal,
    ...overrides,
  }
}

/** Openers that take the base itself for the page, and note the order. */
function openers(silent: readonly string[] = []): Openers<string> & { order: string[] } {
  const order: string[] = []
  const open = (how: string) => async (_attempt: Attempt, base: string) => {
    order.push(`${how} ${base}`)
    return silent.includes(base) ? null : base
  }
  return { order, proven: open('proven'), unheard: open('unheard') }
}

const attempt = (verdict: CandidateReport['verdict'], base: string, kind: Candidate['kind'] = 'direct'): Attempt => {
  const report: CandidateReport = { kind, base, verdict }
  return { candidate: ask(base, kind), report, done: Promise.resolve(report) }
}

describe('the best proven base', () => {
  test('is the first of the order, not the first to answer', async () => {
    const quick = await fakeServer(ourServer())
    const slow = await fakeServer((request, response) => void setTimeout(() => ourServer()(request, response), 150))
    const attempts = startProbes([ask(slow.base, 'same-origin-proxy'), ask(quick.base)], question())
    expect(await takeBest(attempts, openers())).toBe(slow.base)
  })

  test('is taken as soon as those above have failed, whatever hangs below', async () => {
    const [dead, proven, hanging] = [await deadPort(), await fakeServer(ourServer()), await fakeServer(() => undefined)]
    const forEver: Candidate = { how: 'click', kind: 'direct', base: hanging.base, why: 'the user thinks about it' }
    const candidates = [ask(`http://127.0.0.1:${dead}/`), ask(proven.base), forEver]
    const attempts = startProbes(candidates, question({ isClicked: true }))
    expect(await takeBest(attempts, openers())).toBe(proven.base)
    expect(attempts.map(({ report }) => report?.verdict)).toEqual(['network', 'proven', undefined])
  })

  test('beside four that hang costs the time of one probe', async () => {
    const time = new AbortController()
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(time.signal)
    onTestFinished(() => timeout.mockRestore())
    const hanging = await Promise.all([1, 2, 3, 4].map(() => fakeServer(() => undefined)))
    const proven = await fakeServer(ourServer())
    const attempts = startProbes(
      [...hanging, proven].map(({ base }) => ask(base)),
      question(),
    )
    const taken = takeBest(attempts, openers())
    await expect.poll(() => attempts.at(-1)?.report?.verdict).toBe('proven')
    await expect.poll(() => hanging.map(({ urls }) => urls.length)).toEqual([1, 1, 1, 1])
    time.abort() // of all at once
    expect(await taken).toBe(proven.base)
  })

  test('is passed over when its page stays silent, and the report says so', async () => {
    const attempts = [attempt('proven', 'http://a.example/'), attempt('proven', 'http://b.example/')]
    expect(await takeBest(attempts, openers(['http://a.example/']))).toBe('http://b.example/')
    expect(attempts.map(({ report }) => report?.verdict)).toEqual(['frameSilent', 'proven'])
  })

  test('is none when nothing is proven', async () => {
    expect(await takeBest([attempt('badProof', 'http://a.example/')], openers())).toBeNull()
  })
})

describe('a proxy of another origin that fetch cannot reach', () => {
  const walled = 'https://proxy.example.org/p/'

  test('is asked by the page itself, and counts as proven when that says so', async () => {
    const attempts = [attempt('network', walled, 'cross-origin-proxy')]
    const opener = openers()
    expect(await takeBest(attempts, opener)).toBe(walled)
    expect(opener.order).toEqual([`unheard ${walled}`])
    expect(attempts[0]?.report).toMatchObject({ verdict: 'proven' })
  })

  test.each([
    ['badProof', 'cross-origin-proxy', walled],
    ['timeout', 'cross-origin-proxy', walled],
    ['network', 'direct', 'http://127.0.0.1:1/'],
    ['network', 'override', 'http://127.0.0.1:1/'],
    ['network', 'same-origin-proxy', 'http://localhost:3000/proxy/1/'],
    ['network', 'override', 'http://localhost:3000/x/'],
  ] as const)('is not loaded for %s of %s', async (verdict, kind, base) => {
    const opener = openers()
    expect(await takeBest([attempt(verdict, base, kind)], opener)).toBeNull()
    expect(opener.order).toEqual([])
  })
})

describe('each candidate gets its verdict', () => {
  test('one that is not asked: skipped, with the reason, and nobody hears of it', async () => {
    const server = await fakeServer(ourServer())
    const list: Candidate[] = [
      { how: 'skip', kind: 'override', base: null, why: 'no address' },
      { how: 'click', kind: 'direct', base: server.base, why: 'the browser will ask you first' },
    ]
    const reports = await Promise.all(startProbes(list, question()).map(({ done }) => done))
    expect(reports).toEqual([
      { kind: 'override', base: null, verdict: 'skipped', reason: 'no address' },
      { kind: 'direct', base: server.base, verdict: 'skipped', reason: 'the browser will ask you first' },
    ])
    expect(server.heard()).toBe('')
  })

  test('behind the button it is asked, and waits as long as the user does', async () => {
    const server = await fakeServer((request, response) => void setTimeout(() => ourServer()(request, response), 1_800))
    const list: Candidate[] = [{ how: 'click', kind: 'direct', base: server.base, why: '' }]
    const [asked] = startProbes(list, question({ isClicked: true }))
    expect(await asked?.done).toMatchObject({ verdict: 'proven' })
  })

  test('F6 a forward that comes late is asked once more', async () => {
    let isForwarded = false
    const server = await fakeServer((request, response) => {
      if (isForwarded) return ourServer()(request, response)
      isForwarded = true
      html(response)
    })
    const [late] = startProbes([ask(server.base, 'direct', true)], question())
    expect(await late?.done).toMatchObject({ verdict: 'proven' })
    expect(server.urls).toHaveLength(2)
  })

  test('F6 when something else owns the port, twice is enough', async () => {
    const server = await fakeServer((_request, response) => json(response, 200, { ok: true }))
    const [late] = startProbes([ask(server.base, 'direct', true)], question())
    expect(await late?.done).toMatchObject({ verdict: 'badProof' })
    expect(server.urls).toHaveLength(2)
  })
})

describe('a base that the host makes on request', () => {
  const colab: Candidate = { how: 'late', kind: 'cross-origin-proxy', from: 'colab' }

  test('is asked when it has come', async () => {
    const server = await fakeServer(ourServer())
    const [late] = startProbes([colab], question({ lateBase: async () => server.base.slice(0, -1) }))
    expect(await late?.done).toMatchObject({ base: server.base, verdict: 'proven' })
  })

  test.each([
    ['that is refused', () => Promise.reject(new Error('not allowed here')), 'not allowed here'],
    ['that is no address', () => Promise.resolve('javascript:alert(1)'), 'no address'],
  ])('%s has no base', async (_name, lateBase, reason) => {
    const [late] = startProbes([colab], question({ lateBase }))
    expect(await late?.done).toMatchObject({ base: null, verdict: 'network', reason: expect.stringContaining(reason) })
  })

  test('that never comes is given up after four seconds', async () => {
    vi.useFakeTimers()
    const [late] = startProbes([colab], question({ lateBase: () => new Promise(() => undefined) }))
    await vi.advanceTimersByTimeAsync(4_000)
    expect(await late?.done).toMatchObject({ base: null, verdict: 'timeout' })
    vi.useRealTimers()
  })
})
