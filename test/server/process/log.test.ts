import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../protocol/errors.ts'
import { Log } from '../../../server/process/log.ts'

const TOKEN = '0123456789abcdef'.repeat(4)
const KEY = `${'Ab_-'.repeat(10)}xyz`

function logStage(lowest: 'debug' | 'info' = 'info') {
  const written: string[] = []
  return { log: new Log((line) => written.push(line), lowest), written }
}

describe('the log', () => {
  test('is one line of JSON each, from its level upward', () => {
    const { log, written } = logStage()
    log.debug('not this')
    log.info('Listening', { port: 8765 })
    expect(written.map((line) => JSON.parse(line))).toEqual([
      { time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), level: 'info', message: 'Listening', port: 8765 },
    ])
    expect(written[0]?.indexOf('\n')).toBe((written[0]?.length ?? 0) - 1)
  })

  test('says of an error its name, code, message and cause, and no stack', () => {
    const { log, written } = logStage()
    log.error('Failed', { error: new ProtocolError('not_found', 'No file.', { cause: new Error('ENOENT') }) })
    expect(JSON.parse(written[0] ?? '').error).toBe('ProtocolError (not_found): No file.; because Error: ENOENT')
    expect(written[0]).not.toContain('log.test')
  })

  test('holds no secret, wherever it stood', () => {
    const { log, written } = logStage()
    log.warn(`at http://127.0.0.1/?viewerToken=${TOKEN}&x=1 with X-Cellucid-Key: short`, {
      viewerToken: 'short',
      pageKey: 5,
      nested: { cookie: 'session=1', list: [KEY, `"viewerToken":"abc"`] },
      error: new Error(`refused ${TOKEN}`),
    })
    for (const secret of [TOKEN, KEY, 'short', 'session=1', '"abc"', '"pageKey":5'])
      expect(written[0]).not.toContain(secret)
    expect(log.lines[0]?.message).toBe('at http://127.0.0.1/?viewerToken=[removed]&x=1 with X-Cellucid-Key: [removed]')
  })

  test('keeps lines short and few', () => {
    const { log, written } = logStage()
    for (let i = 0; i < 300; i++) log.info('é'.repeat(10_000), { more: 'x '.repeat(5_000) })
    expect(Math.max(...written.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(1_025)
    expect(log.lines).toHaveLength(200)
    expect(log.lines.at(-1)).toMatchObject({ level: 'info', cut: true })
  })
})
