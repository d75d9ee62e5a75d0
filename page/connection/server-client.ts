import * as v from 'valibot'
import { type Column, decodeColumn, decodeEmbedding, type Embedding } from '../../protocol/column-frame.ts'
import { type GeneNames, geneNamesSchema, type Identity, identitySchema } from '../../protocol/identity.ts'
import type { Matrix } from '../../protocol/matrix.ts'
import type { ColorBy } from '../../protocol/state.ts'
import { ROUTES } from '../../protocol/urls.ts'
import { Backoff } from './backoff.ts'
import { readBody } from './read-body.ts'
import { failureOfAnswer, ServerFailure } from './server-failure.ts'
import type { Transport } from './transport.ts'

/** An embedding by its obsm key, in 2 or 3 dimensions. */
export type EmbeddingChoice = { key: string; dimensions: number }
/**
 * What an array has to fit. `cellCount` may still be on its way, so that arrays are asked for without waiting for it;
 * `version` of the part, where it is known: of another one nothing is answered.
 */
export type Expected = { cellCount: number | Promise<number>; version?: string | undefined }

/** The page's one client for the server's data, whatever carries the requests. */
export class ServerClient {
  readonly #transport: Transport
  constructor(transport: Transport) {
    this.#transport = transport
  }

  identity(signal: AbortSignal): Promise<Identity> {
    return this.#json(ROUTES.identity, identitySchema, signal)
  }

  /** @param choice `null` asks for the dataset's default */
  async embedding(choice: EmbeddingChoice | null, expected: Expected, signal: AbortSignal): Promise<Embedding> {
    const { cellCount, version } = expected
    const named = choice === null ? {} : { key: choice.key, dimensions: String(choice.dimensions) }
    const query = { ...named, ...versionQuery(version) }
    const [frame, count] = await Promise.all([this.#bytes(pathOf(ROUTES.embedding, query), signal), cellCount])
    return decodeEmbedding(frame, count)
  }

  /** One value per cell. @param by `null` asks for the dataset's default colour */
  async column(by: ColorBy | null, { cellCount, version }: Expected, signal: AbortSignal): Promise<Column> {
    const [frame, count] = await Promise.all([this.#bytes(this.#columnPath(by, version), signal), cellCount])
    return decodeColumn(frame, count)
  }

  /** @param limit at most this many names of genes of `matrix`, or that only another matrix has; best first */
  genes(query: string, { matrix, limit }: { matrix: Matrix; limit: number }, signal: AbortSignal): Promise<GeneNames> {
    return this.#json(pathOf(ROUTES.genes, { query, ...matrix, limit: String(limit) }), geneNamesSchema, signal)
  }

  /** Obs names of the cells start..end. */
  cellNames(start: number, end: number, signal: AbortSignal): Promise<string[]> {
    return this.#json(pathOf(ROUTES.cellNames, { start: String(start), end: String(end) }), v.array(v.string()), signal)
  }

  /** @param requestId of the screenshot command that this answers; `null`: the picture for the saved notebook */
  async putSnapshot(png: Uint8Array, requestId: string | null, signal: AbortSignal): Promise<void> {
    const path = pathOf(ROUTES.snapshot, requestId === null ? {} : { requestId })
    const headers = { 'content-type': 'image/png' }
    const answer = await this.#transport.call({ method: 'PUT', path, headers, body: png, signal })
    if (answer.status !== 200) throw failureOfAnswer(answer)
  }

  #columnPath(by: ColorBy | null, version: string | undefined): string {
    const form: Record<string, string> = {
      ...versionQuery(version),
      ...(this.#transport.wantsGzip ? { gzip: '1' } : {}),
    }
    if (by === null) return pathOf(ROUTES.obsColumn, form)
    if (by.axis === 'obs') return pathOf(ROUTES.obsColumn, { key: by.key, ...form })
    return pathOf(ROUTES.varColumn, { key: by.key, ...by.matrix, ...form })
  }

  /** A server that has too much to do just now is asked again, for as long as it is wanted. */
  async #bytes(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const backoff = new Backoff()
    for (;;) {
      try {
        return await readBody(this.#transport, path, signal)
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

function versionQuery(version: string | undefined): Record<string, string> {
  return version === undefined ? {} : { version }
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
