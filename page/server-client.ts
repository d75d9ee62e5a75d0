import * as v from 'valibot'
import { keyAnswerSchema } from '../protocol/channel.ts'
import { type Column, decodeColumn, decodeEmbedding, type Embedding } from '../protocol/column-frame.ts'
import { type GeneNames, geneNamesSchema, type Identity, identitySchema } from '../protocol/identity.ts'
import { type PageKey, parsePageKey, type ViewerId, type ViewerToken } from '../protocol/probe.ts'
import type { ColorBy } from '../protocol/state.ts'
import { KEY_HEADER, ROUTES } from '../protocol/urls.ts'
import { Backoff } from './backoff.ts'
import { failureOfAnswer, ServerFailure } from './failure.ts'
import { readBody } from './read-body.ts'
import type { Transport } from './transport.ts'

/** An embedding by its obsm key, in 2 or 3 dimensions. */
export type EmbeddingChoice = { key: string; dimensions: number }
/** A count that may still be on its way, so that arrays are asked for without waiting for it. */
export type CellCount = number | Promise<number>

/** The page's one client for the server's data, whatever carries the requests. */
export class ServerClient {
  readonly #transport: Transport
  readonly #key: PageKey
  constructor(transport: Transport, key: PageKey) {
    this.#transport = transport
    this.#key = key
  }

  /** Headers that prove this page to the server. */
  get credentials(): Readonly<Record<string, string>> {
    return { [KEY_HEADER]: this.#key }
  }

  identity(signal: AbortSignal): Promise<Identity> {
    return this.#json(ROUTES.identity, identitySchema, signal)
  }

  /** @param choice `null` asks for the dataset's default */
  async embedding(choice: EmbeddingChoice | null, cellCount: CellCount, signal: AbortSignal): Promise<Embedding> {
    const query = choice === null ? {} : { key: choice.key, dimensions: String(choice.dimensions) }
    const [frame, count] = await Promise.all([this.#bytes(pathOf(ROUTES.embedding, query), signal), cellCount])
    return decodeEmbedding(frame, count)
  }

  /** One value per cell. @param by `null` asks for the dataset's default colour */
  async column(by: ColorBy | null, cellCount: CellCount, signal: AbortSignal): Promise<Column> {
    const [frame, count] = await Promise.all([this.#bytes(this.#columnPath(by), signal), cellCount])
    return decodeColumn(frame, count)
  }

  /** @param limit at most this many names, best first */
  genes(query: string, limit: number, signal: AbortSignal): Promise<GeneNames> {
    return this.#json(pathOf(ROUTES.genes, { query, limit: String(limit) }), geneNamesSchema, signal)
  }

  /** Obs names of the cells start..end. */
  cellNames(start: number, end: number, signal: AbortSignal): Promise<string[]> {
    return this.#json(pathOf(ROUTES.cellNames, { start: String(start), end: String(end) }), v.array(v.string()), signal)
  }

  /** @param requestId of the screenshot command that this answers; `null`: the picture for the saved notebook */
  async putSnapshot(png: Uint8Array, requestId: string | null, signal: AbortSignal): Promise<void> {
    const path = pathOf(ROUTES.snapshot, requestId === null ? {} : { requestId })
    const headers = { ...this.credentials, 'content-type': 'image/png' }
    const answer = await this.#transport.call({ method: 'PUT', path, headers, body: png, signal })
    if (answer.status !== 200) throw failureOfAnswer(answer)
  }

  #columnPath(by: ColorBy | null): string {
    const gzip: Record<string, string> = this.#transport.wantsGzip ? { gzip: '1' } : {}
    if (by === null) return pathOf(ROUTES.obsColumn, gzip)
    if (by.axis === 'obs') return pathOf(ROUTES.obsColumn, { key: by.key, ...gzip })
    const layer: Record<string, string> = by.layer === null ? {} : { layer: by.layer }
    return pathOf(ROUTES.varColumn, { key: by.key, ...layer, ...gzip })
  }

  /** A server that has too much to do just now is asked again, for as long as it is wanted. */
  async #bytes(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const backoff = new Backoff()
    for (;;) {
      try {
        return await readBody(this.#transport, path, this.credentials, signal)
      } catch (error) {
        if (!(error instanceof ServerFailure && error.code === 'overloaded')) throw error
      }
      await backoff.wait(signal)
    }
  }

  async #json<Schema extends v.GenericSchema>(
    path: string,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> {
    return parseJson(await this.#bytes(path, signal), schema)
  }
}

/**
 * Trade the viewer's token, or an older key, for this page's key. The caller forgets it.
 * @returns the key, and whether nobody has used the viewer yet
 * @throws ServerFailure `keyDied`
 */
export async function tradeToken(
  transport: Transport,
  viewerId: ViewerId,
  viewerToken: ViewerToken | PageKey,
  signal: AbortSignal,
): Promise<{ pageKey: PageKey; isNew: boolean }> {
  const body = new TextEncoder().encode(JSON.stringify({ viewerId, viewerToken }))
  const headers = { 'content-type': 'application/json' }
  const answer = await transport.call({ method: 'POST', path: ROUTES.key, headers, body, signal })
  if (answer.status !== 200) throw failureOfAnswer(answer)
  const { pageKey: text, isNew } = parseJson(answer.body, keyAnswerSchema)
  const pageKey = parsePageKey(text)
  if (pageKey === null) throw new ServerFailure('gone', 'The viewer got no key from its server. Run the cell again.')
  return { pageKey, isNew }
}

function pathOf(route: string, query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString()
  return text === '' ? route : `${route}?${text}`
}

function parseJson<Schema extends v.GenericSchema>(bytes: Uint8Array, schema: Schema): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    // A catch-all application or a login page answers 200 to everything; its HTML is neither JSON nor this shape.
    const message =
      'Something else answered in place of the viewer’s server, perhaps a login page. Reload the notebook page.'
    throw new ServerFailure('login', message, { cause })
  }
}
