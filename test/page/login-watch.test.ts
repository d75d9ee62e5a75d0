import { expect, test } from 'vitest'
import { watchLogin } from '../../page/login-watch.ts'
import type { Transport } from '../../page/transport.ts'

/** Answers every question with this status. */
function answering(status: number): Transport {
  const call = async () => ({ status, headers: new Map(), body: new Uint8Array() })
  return { kind: 'http', partBytes: null, parallelParts: 1, wantsGzip: false, call }
}

async function told(status: number, method: 'GET' | 'PUT', questions = 2): Promise<string[]> {
  const reasons: string[] = []
  const watched = watchLogin(answering(status), (reason) => reasons.push(reason))
  for (let count = 0; count < questions; count++) {
    await watched.call({ method, path: 'any', headers: {}, signal: AbortSignal.timeout(1_000) })
  }
  return reasons
}

test('data that is sent to a login page is told once', async () => {
  expect(await told(0, 'GET')).toEqual([expect.stringContaining('asks for a login')])
})

test.each([
  { what: 'an answer', status: 200, method: 'GET' },
  { what: "a refusal of the proxy's own", status: 403, method: 'GET' },
  { what: 'a picture that may not be put', status: 0, method: 'PUT' },
] as const)('$what is no login that expired', async ({ status, method }) => {
  expect(await told(status, method)).toEqual([])
})
