import { failureOfAnswer, ServerFailure } from './server-failure.ts'
import type { Answer, Transport } from './transport.ts'

/**
 * Read a whole body, in parts where the transport carries only so much at once, and unpacked where it came compressed.
 * @param path relative to the base, with its query
 * @returns bytes that belong to the caller
 * @throws ServerFailure
 */
export async function readBody(transport: Transport, path: string, signal: AbortSignal): Promise<Uint8Array> {
  const { partBytes } = transport
  const range: Record<string, string> = partBytes === null ? {} : { range: `bytes=0-${partBytes - 1}` }
  const first = await transport.call({ method: 'GET', path, headers: range, signal })
  if (first.status === 200) return gunzipped(first.body)
  if (first.status !== 206 || partBytes === null) throw failureOfAnswer(first)
  return gunzipped(await readRest(transport, { path, first, partBytes, signal }))
}

type Parts = {
  path: string
  first: Answer
  partBytes: number
  signal: AbortSignal
}

async function readRest(transport: Transport, { path, first, partBytes, signal }: Parts): Promise<Uint8Array> {
  const total = checkedRange(first, 0).total
  const whole = new Uint8Array(total)
  whole.set(first.body)
  const etag = first.headers.get('etag')
  const unchanged: Record<string, string> = etag === undefined ? {} : { 'if-range': etag }
  let next = first.body.length
  let replaced: Uint8Array | null = null
  const readParts = async () => {
    while (next < total && replaced === null) {
      const start = next
      const end = Math.min(start + partBytes, total)
      next = end
      const range = `bytes=${start}-${end - 1}`
      const part = await transport.call({ method: 'GET', path, headers: { ...unchanged, range }, signal })
      // If-Range does not hold any more, or a proxy drops Range: this is the whole body as it is now.
      if (part.status === 200) replaced = part.body
      else if (part.status !== 206) throw failureOfAnswer(part)
      else if (checkedRange(part, start).total !== total) throw new ServerFailure('refused', CHANGED)
      else if (start + part.body.length !== end) throw new ServerFailure('gone', CUT)
      else whole.set(part.body, start)
    }
  }
  await Promise.all(Array.from({ length: transport.parallelParts }, readParts))
  return replaced ?? whole
}

const CHANGED = 'The data changed while it was being read. Choose it again.'
const CUT = 'A proxy cut the data on its way. Choose it again; if this stays, reload the page.'
/** No column or embedding is larger; a length past it is not ours. */
const MAX_BODY_BYTES = 2 ** 31

function checkedRange(answer: Answer, start: number): { total: number } {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')
  const [first, last, total] = (match ?? []).slice(1).map(Number)
  if (first !== start || last !== start + answer.body.length - 1 || total === undefined || total > MAX_BODY_BYTES) {
    throw new ServerFailure('gone', CUT)
  }
  return { total }
}

/** A column frame begins otherwise, so two bytes tell; a proxy or the browser may have unpacked it already. */
async function gunzipped(body: Uint8Array): Promise<Uint8Array> {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body
  // The DOM types know no Uint8Array over a SharedArrayBuffer; ours never are.
  const packed = new Blob([body as Uint8Array<ArrayBuffer>]).stream()
  return new Uint8Array(await new Response(packed.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer())
}
