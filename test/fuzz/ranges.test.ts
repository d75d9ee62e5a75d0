import fc from 'fast-check'
import { expect } from 'vitest'
import { ROUTES } from '../../protocol/urls.ts'
import { appStage } from '../stage/app-stage.ts'
import { fuzz } from './fuzz.ts'

const CELLS = 9_000
const border = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '36031',
    '36032',
    '36064',
    '36128',
    '99999999',
    '999999999999999',
    '9007199254740993',
    '-1',
    '1.5',
    ' 1',
    '0x1',
    'é',
  ),
  fc.nat(40_000).map(String),
)
const unit = fc.oneof(
  { weight: 9, arbitrary: fc.constant('bytes=') },
  fc.constantFrom('bytes', 'cells=', 'bytes =', 'BYTES=', ''),
)

fuzz<{ range: string; ifRange: 'same' | 'other' | 'junk' | null; isHead: boolean }>({
  name: 'ranges',
  holds: 'a Range brings the part of the very bytes that it says it brings, the whole, or 416',
  runs: 300,
  async open() {
    const stage = await appStage()
    const viewer = stage.open(undefined, CELLS)
    const { headers } = stage.key(viewer)
    const url = `/${ROUTES.obsColumn}?key=score`
    const whole = await stage.app.inject({ url, headers })
    const { rawPayload: bytes } = whole
    const ifRanges = { same: String(whole.headers.etag), other: '"other"', junk: 'W/"' }
    const range = fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .tuple(unit, border, fc.constantFrom('-', '-', '-', ',', ''), border)
          .map((parts) => parts.join('')),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(unit, fc.array(fc.tuple(border, border).map((ends) => ends.join('-'))))
          .map(([of, all]) => of + all.join(',')),
      },
    )
    return {
      input: fc.record({
        range,
        ifRange: fc.option(fc.constantFrom('same' as const, 'other' as const, 'junk' as const), { nil: null }),
        isHead: fc.boolean(),
      }),
      async run({ range: asked, ifRange, isHead }) {
        const more = ifRange === null ? {} : { 'if-range': ifRanges[ifRange] }
        const method = isHead ? 'HEAD' : 'GET'
        const answer = await stage.app.inject({ method, url, headers: { ...headers, ...more, range: asked } })
        const { statusCode: status, rawPayload: got } = answer
        expect(stage.log.lines.filter(({ level }) => level === 'error')).toEqual([])
        if (isHead) expect({ status, length: got.length }).toEqual({ status: 200, length: 0 })
        else if (status === 200) expect(got.equals(bytes)).toBe(true)
        else if (status === 416) expect(answer.headers['content-range']).toBe(`bytes */${bytes.length}`)
        else {
          expect(status).toBe(206)
          expect(ifRange === null || ifRange === 'same').toBe(true)
          const said = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(answer.headers['content-range'])) ?? []
          const [first, last, length] = said.slice(1).map(Number)
          expect(length).toBe(bytes.length)
          expect(got.length).toBeGreaterThan(0)
          expect(got.equals(bytes.subarray(first, Number(last) + 1))).toBe(true)
        }
        return String(status)
      },
    }
  },
})
