import { once } from 'node:events'
import fc from 'fast-check'
import * as v from 'valibot'
import type { WebSocket } from 'ws'
import { answerSchema, serverMessageSchema } from '../../protocol/channel.ts'
import { parseErrorBody } from '../../protocol/errors.ts'
import { encodeFrame, FrameAssembler } from '../../protocol/frame.ts'
import { HOSTED_ROUTES, ROUTES } from '../../protocol/urls.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { challenged } from '../stage/challenged.ts'
import { fuzz } from './fuzz.ts'
import { brokenFrame, frameOf, hostileJson, json, nearly } from './hostile.ts'
import { LiveServer } from './live-server.ts'

const id = json(fc.integer({ min: 0, max: 3 }))
const kind = (name: string) => fc.constant(JSON.stringify(name))
const cells = fc.oneof(
  fc.constant('{"encoding":"u32","count":1,"cellCount":700}'),
  fc.constant('{"encoding":"u32","count":0,"cellCount":700}'),
  nearly({ encoding: json(fc.constantFrom('u32', 'bitmap')), count: id, cellCount: json(fc.constantFrom(0, 8, 700)) }),
)
const path = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...Object.values(ROUTES), ...Object.values(HOSTED_ROUTES), 'favicon.ico', '_cellucid/t/x', ''),
      fc.constantFrom(
        '',
        '?key=score',
        '?key=cluster',
        '?key=CD3D&in=X',
        '?query=C&limit=3',
        '?start=0&end=9',
        '?key=X_umap',
      ),
    )
    .map((parts) => parts.join('')),
  fc.constantFrom(
    '\\',
    '\\:99999999',
    '//x',
    '..',
    '%',
    '?',
    '#',
    ':',
    ' ',
    '\0',
    'http://x/',
    '@',
    '\\\\[',
    '?%',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const header = fc.constantFrom(
  'range',
  'if-range',
  'if-none-match',
  'content-type',
  'x-cellucid-key',
  'host',
  'Range',
  'x',
)
const headerValue = fc.oneof(
  fc.constantFrom(
    'bytes=0-9',
    'bytes=-1',
    'bytes=9-',
    '*',
    'application/json',
    'image/png',
    'application/octet-stream',
    '\r\n',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const ask = nearly({
  kind: kind('ask'),
  id,
  method: json(fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PUT')),
  path: json(path),
  headers: json(fc.dictionary(header, headerValue, { maxKeys: 2 })),
})
const event = fc.oneof(
  nearly({ kind: kind('selection'), cells, source: kind('lasso') }),
  nearly({ kind: kind('custom'), type: kind('t'), payload: hostileJson }),
  nearly({ kind: kind('console'), lines: hostileJson }),
  nearly({ kind: kind('hover'), cell: hostileJson, position: hostileJson }),
  nearly({ kind: kind('debugSnapshot'), requestId: kind('r'), report: hostileJson }),
)
const message = fc.oneof(
  { weight: 12, arbitrary: ask },
  { weight: 12, arbitrary: nearly({ kind: kind('forget'), id }) },
  { weight: 1, arbitrary: nearly({ kind: kind('hello'), protocol: id, isFresh: json(fc.boolean()) }) },
  { weight: 1, arbitrary: nearly({ kind: kind('ack'), seq: id, ok: json(fc.boolean()) }) },
  { weight: 2, arbitrary: nearly({ kind: kind('event'), id: kind('e'), event }) },
  { weight: 2, arbitrary: nearly({ kind: kind('cellSet'), name: kind('group/a'), cells }) },
  {
    weight: 2,
    arbitrary: nearly({
      kind: kind('state'),
      state: fc.oneof(
        hostileJson,
        nearly({ dimensions: id, camera: hostileJson, color: hostileJson, more: hostileJson }),
      ),
    }),
  },
  { weight: 1, arbitrary: nearly({ kind: kind('user'), name: json(fc.string()) }) },
  { weight: 1, arbitrary: nearly({ kind: json(fc.constantFrom('giveBack', 'touched', 'pong', 'x')) }) },
)
type Said = { text: string; body: Uint8Array } | { bytes: Uint8Array }
const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ text: message, body: fc.uint8Array({ maxLength: 8 }) }) },
  { weight: 1, arbitrary: brokenFrame.map((bytes) => ({ bytes })) },
)
type Entrance = 'proven' | 'liar' | 'silent'
type Step =
  | { say: Said; page: number }
  | { open: number; how: Entrance }
  | { end: number; how: 'close' | 'cut' | 'text' | 'junk' | 'pieces' }
  | { waitMs: number }
const page = fc.nat(1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ say: said, page }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      open: page,
      how: fc.constantFrom('proven' as const, 'proven' as const, 'liar' as const, 'silent' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      end: page,
      how: fc.constantFrom('close' as const, 'cut' as const, 'text' as const, 'junk' as const, 'pieces' as const),
    }),
  },
)

/** A page that says anything. What it hears is to be what a page can read. */
class WildPage {
  readonly socket: WebSocket
  readonly #assembler = new FrameAssembler()
  /** What it heard that may not be. */
  fault: string | null = null

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer) => this.#hear(Uint8Array.from(data)))
  }

  static async connect(live: LiveServer, number: number, how: Entrance): Promise<WildPage> {
    const secret = live.wildKey(number)
    const { socket, proof } = await challenged({ base: live.server.base, viewerId: live.viewer.viewerId, secret })
    const wild = new WildPage(socket)
    const said = how === 'liar' ? 'x'.repeat(43) : proof
    if (how !== 'silent') socket.send(encodeFrame({ kind: 'hello', protocol: PROTOCOL_VERSION, proof: said }))
    return wild
  }

  say(said: Said): void {
    const bytes = 'text' in said ? frameOf(said.text, said.body) : said.bytes
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(bytes)
  }

  end(how: 'close' | 'cut' | 'text' | 'junk' | 'pieces'): void {
    if (this.socket.readyState !== this.socket.OPEN) return
    if (how === 'close') this.socket.close()
    else if (how === 'cut') this.socket.terminate()
    else if (how === 'text') this.socket.send('{"kind":"pong"}')
    else if (how === 'pieces') for (let i = 0; i < 70; i++) this.socket.send(Buffer.alloc(1), { fin: false })
    // Past the library, onto the wire itself: no WebSocket frame begins so.
    else
      (this.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
        Buffer.from([0xff, 0xff, 0x13]),
      )
  }

  async closed(): Promise<void> {
    if (this.socket.readyState === this.socket.CLOSED) return
    const gone = once(this.socket, 'close')
    this.socket.close()
    const timer = setTimeout(() => this.socket.terminate(), 200)
    await gone
    clearTimeout(timer)
  }

  #hear(bytes: Uint8Array): void {
    const said = this.#assembler.push(bytes)
    if (said === null) return
    const answer = v.safeParse(answerSchema, said.header)
    if (!answer.success) {
      const parsed = v.safeParse(serverMessageSchema, said.header)
      if (!parsed.success) this.fault = `It heard ${JSON.stringify(said.header).slice(0, 500)}`
      return
    }
    const { status } = answer.output
    if (status < 400) return
    const text = new TextDecoder().decode(said.body)
    const error = parseErrorBody(JSON.parse(text))
    if (error === null || error.code === 'internal') this.fault = `It was answered ${status} ${text}`
  }
}

async function play(live: LiveServer, steps: readonly Step[], wild: WildPage[]): Promise<string> {
  const now: WildPage[] = []
  const connect = async (number: number, how: Entrance) => {
    const page = await WildPage.connect(live, number, how)
    now[number] = page
    wild.push(page)
  }
  for (const number of [0, 1]) await connect(number, 'proven')
  for (const done of steps) {
    if ('say' in done) now[done.page]?.say(done.say)
    else if ('waitMs' in done) await new Promise((resolve) => setTimeout(resolve, done.waitMs))
    else if ('end' in done) now[done.end]?.end(done.how)
    else await connect(done.open, done.how)
  }
  await live.expectHonestAnswer()
  const open = now.filter(({ socket }) => socket.readyState === socket.OPEN).length
  await Promise.all(wild.map((one) => one.closed()))
  live.expectAlive()
  return `${open} of 2 sockets still open`
}

fuzz<Step[]>({
  name: 'channel',
  holds: 'whatever pages say, the server lives, speaks as documented, and answers an honest page right',
  runs: 120,
  async open() {
    const live = await LiveServer.open()
    return {
      input: fc.array(step, { minLength: 1, maxLength: 20 }),
      async run(steps) {
        await live.ready()
        const wild: WildPage[] = []
        const outcome = await play(live, steps, wild).catch((error: unknown) => live.reasonOf(error))
        const fault = wild.find((one) => one.fault !== null)?.fault
        if (fault !== undefined) throw new Error(fault ?? '')
        return outcome
      },
      check: () => live.expectWell(),
      measure: () => live.measure(),
    }
  },
})
