import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { InnerRequests } from '../../../server/http/inner-requests.ts'
import { leaveSignal } from '../../../server/http/request-context.ts'

/** A route that answers only when its asker leaves, one that answers at once, and one whose body takes a while. */
async function innerStage() {
  const app = Fastify()
  const left: string[] = []
  const inner = new InnerRequests(app)
  app.get('/waits', (_request, reply) => {
    const signal = leaveSignal(reply)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        left.push('waits')
        reject(signal.reason)
      })
    })
  })
  app.get('/quick', () => ({ answer: 42 }))
  app.get('/streams', (_request, reply) => {
    async function* body() {
      yield 'first'
      await sleep(20)
      yield 'second'
    }
    return reply.send(body())
  })
  await app.ready()
  return { inner, left }
}

const MOMENTS: [string, (abort: () => void) => void][] = [
  ['before it is asked', (abort) => abort()],
  ['in the same turn', (abort) => queueMicrotask(abort)],
  ['two steps later', (abort) => queueMicrotask(() => queueMicrotask(abort))],
  ['in the next tick', (abort) => process.nextTick(abort)],
  ['with the next event', (abort) => setImmediate(abort)],
  ['while it is answered', (abort) => setTimeout(abort, 5)],
]

// Each of these ended the process once: what fails outside of any promise fails the whole run here.
test.each(MOMENTS)('who stops waiting %s ends its own request and nothing else', async (_, soon) => {
  const { inner } = await innerStage()
  for (const url of ['/waits', '/quick', '/streams']) {
    const stop = new AbortController()
    const isFirst = soon === MOMENTS[0]?.[1]
    if (isFirst) stop.abort()
    const asked = inner.ask({ method: 'GET', url }, null, stop.signal)
    if (!isFirst) soon(() => stop.abort())
    await asked.catch((error: unknown) => expect(error).toBeInstanceOf(Error))
    expect((await inner.ask({ method: 'GET', url: '/quick' }, null)).status).toBe(200)
  }
  await sleep(30) // what the last stream still had to say
})

test('a route learns that nobody waits for it any more', async () => {
  const { inner, left } = await innerStage()
  const stop = new AbortController()
  const asked = inner.ask({ method: 'GET', url: '/waits' }, null, stop.signal)
  setImmediate(() => stop.abort())
  await expect(asked).rejects.toThrow()
  await expect.poll(() => left).toEqual(['waits'])
})
