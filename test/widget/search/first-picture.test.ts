import { expect, onTestFinished, test } from 'vitest'
import { HostLink } from '../../../page/connection/host-link.ts'
import { ServerClient } from '../../../page/connection/server-client.ts'
import { tunnelTransport } from '../../../page/connection/transport.ts'
import { Store } from '../../../page/state/store.ts'
import { Viewer } from '../../../page/viewer/viewer.ts'
import { TUNNEL_LIMITS, type WidgetMessage } from '../../../protocol/comm.ts'
import type { FromPage } from '../../../protocol/page-link.ts'
import { servePage } from '../../../widget/frame/page-fetches.ts'
import { KernelLink } from '../../../widget/kernel/kernel-link.ts'
import { Tunnel } from '../../../widget/kernel/tunnel.ts'
import { CELLS, KEY, MemoryServer } from '../../page/memory-server.ts'

const VIEW = '00112233445566aa'
type Fetch = Extract<WidgetMessage, { kind: 'fetch' }>

test('through the notebook the first picture takes one round trip: three messages to the kernel, three back', async () => {
  const { viewer, store, sent, release, counts } = notebook()
  const started = viewer.start(Promise.resolve(null))
  // All three are with the kernel while it has answered none.
  await expect.poll(() => sent.length).toBe(3)
  expect(sent.map(({ path }) => path.replace(/\?.*/, ''))).toEqual([
    '_cellucid/identity',
    '_cellucid/embedding',
    '_cellucid/columns/obs',
  ])
  expect(counts.answers).toBe(0)
  release()
  await started
  await expect.poll(() => store.color.value?.column.kind).toBe('codes')
  expect(store.embedding.value?.positions).toHaveLength(2 * CELLS)
  expect(sent).toHaveLength(3)
  expect(counts.answers).toBe(3)
})

/** The page, its port, the widget's tunnel and a comm, whose kernel answers from memory once it is released. */
function notebook() {
  const server = new MemoryServer()
  const release = server.hold('_cellucid/')
  const sent: Fetch[] = []
  const counts = { answers: 0 }
  let receive: (message: object, buffers: DataView[]) => void = () => undefined
  const answer = async ({ id, path, method, headers }: Fetch) => {
    const signal = new AbortController().signal
    const { status, body } = await server.call({ method: method as 'GET', path, headers, signal })
    counts.answers++
    const bytes = body.byteLength
    receive({ kind: 'response', view: VIEW, id, status, headers: {}, bytes }, [new DataView(body.slice().buffer)])
  }
  const model = {
    get: () => undefined,
    on: (event: string, callback: typeof receive) => {
      if (event === 'msg:custom') receive = callback
    },
    off: () => undefined,
    send: (message: WidgetMessage) => {
      if (message.kind !== 'fetch') return
      sent.push(message)
      void answer(message)
    },
  }
  const link = new KernelLink(model as never, new AbortController().signal)
  const { partBytes } = TUNNEL_LIMITS
  const tunnel = new Tunnel(link, { view: VIEW, partBytes: () => partBytes, tellStalled: () => undefined })
  const { port1: page, port2: widget } = new MessageChannel()
  const serve = servePage(tunnel, (message, transfer = []) => widget.postMessage(message, transfer))
  widget.onmessage = ({ data }: MessageEvent<FromPage>) => {
    if (data.kind === 'fetch' || data.kind === 'abort') serve(data)
  }
  onTestFinished(() => {
    tunnel.close()
    page.close()
    widget.close()
  })
  const handlers = { theme: () => undefined, stalled: () => undefined }
  const host = new HostLink({ port: page, viewerId: '0123456789abcdef' }, START, handlers)
  const store = new Store()
  const client = new ServerClient(tunnelTransport(host, partBytes, KEY))
  return { viewer: new Viewer(store, client, new AbortController().signal), store, sent, release, counts }
}

const START = { kind: 'start' } as unknown as ConstructorParameters<typeof HostLink>[1] // it needs no more of it here
