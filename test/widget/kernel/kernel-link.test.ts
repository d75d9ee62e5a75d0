import { describe, expect, test } from 'vitest'
import { KernelLink, type TunnelResponse } from '../../../widget/kernel/kernel-link.ts'
import { reaches, startWidgetHost, welcome } from '../../stage/widget-host.ts'

/** A model that only keeps listeners, for what the real classes cannot be made to do. */
function bareModel(attributes: Record<string, unknown> = {}) {
  const listeners = new Map<string, Set<(...args: unknown[]) => void>>()
  const sent: unknown[][] = []
  return {
    sent,
    count: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
    emit: (event: string, ...args: unknown[]) => {
      for (const callback of [...(listeners.get(event) ?? [])]) callback(...args)
    },
    model: {
      get: (name: string) => attributes[name],
      on: (event: string, callback: (...args: never[]) => void) => {
        listeners.set(event, (listeners.get(event) ?? new Set()).add(callback as never))
      },
      off: (event: string, callback: (...args: never[]) => void) => {
        listeners.get(event)?.delete(callback as never)
      },
      send: (...args: unknown[]) => {
        sent.push(args)
      },
    },
  }
}

describe('on the notebook’s own classes', () => {
  test('a welcome that was pushed before the first render is not lost', async () => {
    const host = await startWidgetHost()
    await host.kernel.push(welcome({ protocol: 999 }))
    const view = await host.render()
    await reaches(view.root, 'card')
    expect(view.root.dataset.cellucidReason).toContain('different versions')
  })

  test('initialize sends nothing, render says hello', async () => {
    const host = await startWidgetHost()
    expect(host.kernel.sent).toEqual([])
    await host.render()
    expect(host.kernel.sent).toEqual([
      { message: { kind: 'hello', view: expect.stringMatching(/^[0-9a-f]{16}$/) }, body: null },
    ])
  })

  test('a notebook without a kernel shows one line, asks nobody and frames nothing', async () => {
    const host = await startWidgetHost({ isLive: false })
    const view = await host.render()
    expect(view.root.dataset.cellucidStatus).toBe('saved')
    expect(view.shadow.querySelector('.notice')?.textContent).toBe('Run this cell to get the live view.')
    expect(view.shadow.querySelector('iframe')).toBeNull()
    expect(view.shadow.querySelector<HTMLElement>('.stage')?.hidden).toBe(true)
    expect(host.kernel.sent).toEqual([])
  })

  test('a kernel that restarts before it spoke leaves the one line', async () => {
    const host = await startWidgetHost()
    const view = await host.render()
    await host.kernel.restart()
    await reaches(view.root, 'saved')
  })

  test('a comm that throws on send counts as dead', async () => {
    const host = await startWidgetHost()
    host.kernel.breakSend()
    const view = await host.render()
    await reaches(view.root, 'saved')
  })

  test('the widget goes with the kernel’s own close', async () => {
    const host = await startWidgetHost()
    const view = await host.render()
    host.kernel.close()
    await expect.poll(() => view.root.isConnected).toBe(false)
  })

  test('each view has an id of its own', async () => {
    const host = await startWidgetHost()
    await host.render()
    await host.render()
    const ids = host.kernel.sent.map(({ message }) => message.view)
    expect(new Set(ids).size).toBe(2)
  })
})

describe('messages', () => {
  test('bytes of an answer are a copy of the window that the host handed over, whatever its form', () => {
    const { model, emit } = bareModel()
    const link = new KernelLink(model, new AbortController().signal)
    const bodies: TunnelResponse[] = []
    link.listen({ response: (response) => bodies.push(response) }, new AbortController().signal)
    const larger = new Uint8Array([9, 9, 9, 1, 2, 3, 9])
    const message = { kind: 'response', view: 'v', id: 1, status: 200, headers: {}, bytes: 3 }
    const forms = [new DataView(larger.buffer, 3, 3), larger.subarray(3, 6), larger.slice(3, 6).buffer]
    for (const form of forms) emit('msg:custom', message, [form])
    larger.fill(0)
    expect(bodies.map(({ body }) => [...body])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(bodies.every(({ body }) => body.byteOffset === 0 && body.buffer.byteLength === 3)).toBe(true)
    emit('msg:custom', { ...message, bytes: 0 }, undefined)
    expect(bodies.at(-1)?.body.byteLength).toBe(0)
  })

  test('a body is sent alone, not with the buffer that it is a window on', () => {
    const { model, sent } = bareModel()
    const link = new KernelLink(model, new AbortController().signal)
    const secretBeside = new Uint8Array([7, 7, 1, 2, 7])
    link.fetch({ view: 'v', id: 1, method: 'POST', path: 'x', headers: {} }, secretBeside.subarray(2, 4))
    expect(sent[0]?.[2]).toEqual([new Uint8Array([1, 2]).buffer])
  })

  test('where the kernel says that buffers are lost, none travels: bodies are text, both ways', () => {
    const { model, emit, sent } = bareModel()
    const link = new KernelLink(model, new AbortController().signal)
    const usualBytes = link.partBytes
    emit('msg:custom', welcome({ buffers: false }), [])
    const body = Uint8Array.from({ length: 100_001 }, (_, index) => (index * 7) % 256)
    link.fetch({ view: 'v', id: 1, method: 'POST', path: 'x', headers: {} }, body)
    link.fetch({ view: 'v', id: 2, method: 'GET', path: 'y', headers: {} }, null)
    link.send({ kind: 'bye', view: 'v' })
    expect(sent.map(([, , buffers]) => buffers)).toEqual([[], [], []])
    const [question, empty] = sent.map(([message]) => message as { asText: boolean; bytes: number; text?: string })
    expect(question).toMatchObject({ asText: true, bytes: body.byteLength, text: Buffer.from(body).toString('base64') })
    expect(empty).toMatchObject({ asText: true, bytes: 0 })
    const heard: Uint8Array[] = []
    link.listen({ response: ({ body: bytes }) => heard.push(bytes) }, new AbortController().signal)
    const answer = { kind: 'response', view: 'v', id: 1, status: 200, headers: {}, bytes: body.byteLength }
    emit('msg:custom', { ...answer, text: question?.text }, [])
    expect(heard).toEqual([body])
    // The text of a body is longer than the body, and a message no longer than before.
    expect((link.partBytes * 4) / 3).toBeLessThanOrEqual(usualBytes)
  })

  test('a body that did not arrive is not taken for an empty one: from then on they are asked for as text', () => {
    const { model, emit, sent } = bareModel()
    const link = new KernelLink(model, new AbortController().signal)
    const lost: number[] = []
    const answered: number[] = []
    const events = {
      bodyLost: ({ id }: { id: number }) => lost.push(id),
      response: ({ id }: { id: number }) => answered.push(id),
    }
    link.listen(events, new AbortController().signal)
    emit('msg:custom', { kind: 'response', view: 'v', id: 1, status: 200, headers: {}, bytes: 3 }, [])
    emit('msg:custom', { kind: 'bodyLost', view: 'v', id: 2 }, [])
    expect({ lost, answered }).toEqual({ lost: [1, 2], answered: [] })
    link.fetch({ view: 'v', id: 1, method: 'GET', path: 'x', headers: {} }, null)
    expect(sent[0]?.[0]).toMatchObject({ asText: true })
  })

  test.each([null, 'welcome', { kind: 'welcome' }, { kind: 'later' }, { kind: 'response', id: '1' }])(
    'what no schema knows is counted and dropped: %j',
    (message) => {
      const { model, emit } = bareModel()
      const link = new KernelLink(model, new AbortController().signal)
      emit('msg:custom', message, [])
      expect(link.dropped).toBe(1)
      expect(link.welcome).toBeNull()
    },
  )

  test('a message proves that the comm lives, also after it was called dead', async () => {
    const { model, emit } = bareModel()
    const link = new KernelLink(model, new AbortController().signal)
    emit('comm:close')
    expect(link.isLive).toBe(false)
    emit('msg:custom', welcome(), [])
    expect(link.isLive).toBe(true)
  })

  test('a layout that still lives says that the event was about something else', async () => {
    const { model, emit } = bareModel({ layout: { comm_live: true } })
    const link = new KernelLink(model, new AbortController().signal)
    emit('comm_live_update')
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(link.isLive).toBe(true)
  })

  test('nothing listens any more after its end', () => {
    const { model, count } = bareModel()
    const life = new AbortController()
    new KernelLink(model, life.signal)
    expect(count()).toBe(3)
    life.abort()
    expect(count()).toBe(0)
  })
})
