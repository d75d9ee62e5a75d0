// @vitest-environment node
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws'
import { ChannelClient, type ChannelHandlers, type Welcome } from '../../../page/connection/channel-client.ts'
import { Connection } from '../../../page/connection/connection.ts'
import { Line } from '../../../page/connection/line.ts'
import { decodeCells, encodeCells } from '../../../protocol/cells.ts'
import { CLOSE_CODES, type PageMessage, type ServerMessage } from '../../../protocol/channel.ts'
import type { Command } from '../../../protocol/commands.ts'
import { encodeFrame, encodeMessage, FrameAssembler } from '../../../protocol/frame.ts'
import { handshakeKey, serverProof } from '../../../protocol/handshake.ts'
import { type InstanceId, makeNonce, type Nonce, type ViewerId } from '../../../protocol/probe.ts'
import { PROTOCOL_VERSION } from '../../../protocol/version.ts'
import { KEY, MemoryServer } from '../memory-server.ts'

const VIEWER = '0123456789abcdef' as ViewerId // 16 hex characters
const WELCOME: Welcome = {
  kind: 'welcome',
  instanceId: 'aa',
  protocol: PROTOCOL_VERSION,
  state: null,
  cellSets: 0,
  savesPictures: true,
}

/** One connection as the server sees it: what came, and a way to speak. */
type Heard = {
  socket: ServerSocket
  heard: (PageMessage & { body: Uint8Array })[]
  say(message: ServerMessage | Record<string, unknown>, body?: Uint8Array): void
  hear<Kind extends PageMessage['kind']>(
    kind: Kind,
    nth?: number,
  ): Promise<Extract<PageMessage, { kind: Kind }> & { body: Uint8Array }>
}

/** A socket server whose behaviour the test writes, and the page's client connected to it. */
async function openChannel(handlers: Partial<ChannelHandlers> = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const connections: Heard[] = []
  server.on('connection', (socket, request) => {
    prove(socket, new URL(request.url ?? '', 'http://any').searchParams)
    connections.push(connectionOf(socket))
  })
  const life = new AbortController()
  const said: string[] = []
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a listening TCP server has one
  const open = () =>
    Connection.open(
      { base, viewerId: VIEWER, isDirect: true },
      { secret: KEY, frame: null, isFresh: false },
      life.signal,
    )
  const first = await open()
  if (first === null) throw new Error('no connection')
  const client = new ChannelClient({
    transport: new MemoryServer(),
    line: new Line(first, open, () => Promise.resolve()),
    signal: life.signal,
    handlers: {
      welcome: () => said.push('welcome'),
      cellSet: (name, cells) => said.push(`${name}: ${cells.join(' ')}`),
      command: async () => ({ ok: true }),
      kernel: (status) => said.push(`kernel ${status}`),
      reading: (done) => said.push(`reading ${done}`),
      sorting: ({ done }) => said.push(`sorting ${done}`),
      data: (version, isAnew) => said.push(`data ${version}${isAnew ? ' anew' : ''}`),
      company: (others) => said.push(`company ${others}`),
      refused: (reason) => said.push(`refused: ${reason}`),
      connected: (isConnected) => said.push(isConnected ? 'connected' : 'broken'),
      lost: (reason) => said.push(`lost: ${reason}`),
      ...handlers,
    },
  })
  const running = client.run()
  onTestFinished(async () => {
    life.abort()
    await running
    for (const { socket } of connections) socket.terminate()
    server.close()
  })
  const connection = async (nth = 0) => {
    await expect.poll(() => connections.length).toBeGreaterThan(nth)
    const found = connections[nth]
    if (found === undefined) throw new Error('no connection')
    await found.hear('hello')
    return found
  }
  return { client, said, connection }
}

/** The server's half of the handshake. */
function prove(socket: ServerSocket, query: URLSearchParams): void {
  const facts = { viewerId: VIEWER, instanceId: 'aa' as InstanceId, serverNonce: makeNonce() }
  const key = handshakeKey(KEY)
  const proof = serverProof(key, { ...facts, pageNonce: query.get('nonce') as Nonce }) // made by the client under test
  const { instanceId, serverNonce: nonce } = facts
  socket.send(encodeFrame({ kind: 'challenge', protocol: PROTOCOL_VERSION, instanceId, nonce, proof }))
}

function connectionOf(socket: ServerSocket): Heard {
  const assembler = new FrameAssembler()
  const heard: Heard['heard'] = []
  socket.on('message', (data: Buffer) => {
    const frame = assembler.push(new Uint8Array(data))
    if (frame !== null) heard.push({ ...(frame.header as PageMessage), body: frame.body }) // the client under test made it
  })
  let stream = 1
  return {
    socket,
    heard,
    say(message, body = new Uint8Array()) {
      for (const bytes of encodeMessage(message, body, stream++)) socket.send(bytes)
    },
    async hear(kind, nth = 0) {
      await expect.poll(() => heard.filter((message) => message.kind === kind).length).toBeGreaterThan(nth)
      return heard.filter((message) => message.kind === kind)[nth] as never // filtered by kind
    },
  }
}

const cellsOf = (count: number, cellCount: number) =>
  encodeCells(
    Uint32Array.from({ length: count }, (_, i) => i),
    cellCount,
  )

describe('the channel', () => {
  test('begins with hello, and holds back all else until the server said welcome', async () => {
    const { client, connection, said } = await openChannel()
    client.event({ kind: 'ready', nCells: 1, dimensions: 2 })
    const { heard, say, hear } = await connection()
    expect(heard).toEqual([
      {
        kind: 'hello',
        protocol: PROTOCOL_VERSION,
        proof: expect.stringMatching(/^[\w-]{43}$/),
        isFresh: false,
        body: new Uint8Array(),
      },
    ])
    say(WELCOME)
    expect((await hear('event')).event).toEqual({ kind: 'ready', nCells: 1, dimensions: 2 })
    expect(said).toEqual(['connected', 'welcome'])
  })

  test('carries sets of cells that fill several frames, whole, in both directions', async () => {
    const { client, connection, said } = await openChannel()
    const { say, hear } = await connection()
    const { head, body } = cellsOf(3, 20_000_000)
    say({ ...WELCOME, cellSets: 1 })
    say({ kind: 'cellSet', name: 'hidden', cells: head }, body)
    const many = Uint32Array.from({ length: 1_000_000 }, (_, i) => i * 3)
    client.selection(many, 20_000_000, 'lasso')
    const { event, body: sent } = await hear('event')
    if (event.kind !== 'selection') throw new Error(event.kind)
    expect(decodeCells(event.cells, sent)).toEqual(many)
    expect(said).toContain('hidden: 0 1 2')
  })

  test('applies a command once, however often it comes, and acknowledges it when it is done', async () => {
    const applied: Command[] = []
    const done = Promise.withResolvers<{ ok: true }>()
    const { connection } = await openChannel({
      command: (command) => {
        applied.push(command)
        return done.promise
      },
    })
    const { say, hear, heard } = await connection()
    say(WELCOME)
    const command = { kind: 'command', seq: 7, command: { kind: 'resetCamera' } } as const
    say(command)
    say(command)
    await expect.poll(() => applied.length).toBe(1)
    expect(heard.some(({ kind }) => kind === 'ack')).toBe(false)
    done.resolve({ ok: true })
    expect(await hear('ack')).toMatchObject({ seq: 7, ok: true })
    say({ kind: 'ping' })
    await hear('pong')
    expect(heard.filter(({ kind }) => kind === 'ack')).toHaveLength(1)
    expect(applied).toHaveLength(1)
  })

  test('answers a command that failed with its sentence, and one it does not know all the same', async () => {
    const { connection, client } = await openChannel({
      command: () => Promise.reject(new Error('No gene "CD3X".')),
    })
    const { say, hear } = await connection()
    say(WELCOME)
    say({ kind: 'command', seq: 1, command: { kind: 'resetCamera' } })
    expect(await hear('ack', 0)).toMatchObject({ seq: 1, ok: false, reason: 'No gene "CD3X".' })
    say({ kind: 'command', seq: 2, command: { kind: 'somethingNew' } })
    expect(await hear('ack', 1)).toMatchObject({ seq: 2, ok: false, reason: expect.stringContaining('older') })
    say({ kind: 'somethingNewer' })
    say({ kind: 'ping' })
    await hear('pong')
    expect(client.dropped).toBe(2)
  })

  test('comes back by itself; what may have been lost is said again under the same id', async () => {
    const { client, connection, said } = await openChannel()
    const first = await connection(0)
    first.say(WELCOME)
    client.selection(Uint32Array.of(1), 10, 'lasso')
    const { id } = await first.hear('event')
    first.socket.terminate()
    await expect.poll(() => said.at(-1)).toBe('broken')
    client.selection(Uint32Array.of(2), 10, 'lasso')
    const second = await connection(1)
    second.say(WELCOME)
    expect((await second.hear('event', 0)).id).toBe(id)
    expect((await second.hear('event', 1)).id).not.toBe(id)
    expect(said).toEqual(['connected', 'welcome', 'broken', 'connected'])
  })

  test('says once what a full ping later is known to have arrived', async () => {
    const { client, connection } = await openChannel()
    const first = await connection(0)
    first.say(WELCOME)
    client.selection(Uint32Array.of(1), 10, 'lasso')
    await first.hear('event')
    for (const nth of [0, 1]) {
      first.say({ kind: 'ping' })
      await first.hear('pong', nth)
    }
    first.socket.terminate()
    const second = await connection(1)
    second.say(WELCOME)
    client.touched()
    await second.hear('touched')
    expect(second.heard.map(({ kind }) => kind)).toEqual(['hello', 'touched'])
  })

  test.each([
    [CLOSE_CODES.unknownKey, 'This view has been closed. Run the cell or the command again.'],
    [CLOSE_CODES.protocolError, 'The page is older than the server: reload the notebook page.'],
  ])('is lost at once when the server closes with %i', async (code, sentence) => {
    const { connection, said } = await openChannel()
    const { socket, say } = await connection()
    say(WELCOME)
    socket.close(code, 'x')
    await expect.poll(() => said.at(-1)).toBe(`lost: ${sentence}`)
  })

  test('is lost when the server speaks another protocol', async () => {
    const { connection, said } = await openChannel()
    const { say } = await connection()
    say({ ...WELCOME, protocol: PROTOCOL_VERSION + 1 })
    await expect.poll(() => said).toEqual(['lost: The page is older than the server: reload the notebook page.'])
  })

  test('starts clean after a frame that cannot be read', async () => {
    const { connection, said } = await openChannel()
    const first = await connection(0)
    first.say(WELCOME)
    first.socket.send(Uint8Array.of(9, 9))
    const second = await connection(1)
    second.say(WELCOME)
    await expect.poll(() => said).toEqual(['connected', 'welcome', 'broken', 'connected'])
  })
})
