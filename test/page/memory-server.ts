import { ServerClient } from '../../page/connection/server-client.ts'
import type { Answer, Call, Transport } from '../../page/connection/transport.ts'
import { type Column, encodeColumn, encodeEmbedding, type SparseColumn } from '../../protocol/column-frame.ts'
import { ERROR_STATUS, type ErrorCode } from '../../protocol/errors.ts'
import type { Identity } from '../../protocol/identity.ts'
import { matrixKey } from '../../protocol/matrix.ts'
import type { PageKey } from '../../protocol/probe.ts'
import { embeddingOf } from './scatter/embedding-of.ts'

export const CELLS = 6
export const KEY = 'k'.repeat(43) as PageKey // the form is all that the page knows of it

export const IDENTITY: Identity = {
  name: 'six cells',
  kind: 'h5ad',
  nObs: CELLS,
  nVar: 2,
  version: '1',
  embeddings: [
    { key: 'X_umap', label: 'UMAP', columns: 2, dimensions: [2], version: '1' },
    { key: 'X_pca', label: 'PCA', columns: 50, dimensions: [2, 3], version: '1' },
  ],
  obs: [
    { key: 'louvain', kind: 'categorical', version: '1' },
    { key: 'n_genes', kind: 'continuous', version: '1' },
    { key: 'barcode', kind: 'identifier', version: '1' },
  ],
  matrices: [{ matrix: { in: 'X' }, genes: 3, version: '1' }],
  geneSymbols: null,
  defaultMatrix: { in: 'X' },
  defaultEmbedding: 'X_umap',
  defaultColor: { axis: 'obs', key: 'louvain' },
  notes: [],
}

export const LOUVAIN: Column = {
  kind: 'codes',
  codes: Uint8Array.of(0, 1, 2, 0, 1, 255),
  categories: ['T', 'B', 'NK'],
  ordered: false,
  colors: ['#ff0000', '#00ff00', '#0000ff'],
  missingCells: 1,
}
const N_GENES: Column = { kind: 'dense', values: new Float32Array(CELLS).fill(7), min: 7, max: 7, missingCells: 0 }
const CD3D: SparseColumn = {
  kind: 'sparse',
  n: CELLS,
  rows: Uint32Array.of(1, 4),
  values: Float32Array.of(2.5, 1),
  min: 0,
  max: 2.5,
  missingCells: 0,
}

/**
 * A server's data routes in memory, answering with the real codec. `held` paths wait until they are let go, so that a
 * test decides who comes first.
 */
export class MemoryServer implements Transport {
  readonly kind = 'http'
  readonly partBytes: number | null
  readonly parallelParts = 2
  readonly wantsGzip = false
  readonly asked: string[] = []
  identity = IDENTITY
  /** So many questions for the identity are answered by a busy kernel. */
  busyAnswers = 0
  /** Keys of embeddings that cannot be read; '' is the default. */
  readonly damaged = new Set<string>()
  readonly #held = new Map<string, PromiseWithResolvers<void>>()

  constructor(partBytes: number | null = null) {
    this.partBytes = partBytes
  }

  get client(): ServerClient {
    return new ServerClient(this)
  }

  /** Requests whose path holds this text wait. @returns lets them go */
  hold(text: string): () => void {
    const gate = Promise.withResolvers<void>()
    this.#held.set(text, gate)
    return () => {
      this.#held.delete(text)
      gate.resolve()
    }
  }

  async call({ path, signal }: Call): Promise<Answer> {
    this.asked.push(path)
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    for (const [text, { promise }] of this.#held) if (path.includes(text)) await Promise.race([promise, aborted])
    await Promise.resolve()
    signal.throwIfAborted()
    return this.#answer(new URL(path, 'http://viewer.test/'))
  }

  /** Something of the dataset is another one now. @param part as in the identity, `X` for the matrix */
  change(part: string): void {
    const next = (version: string) => String(Number(version) + 1)
    const renew = <Entry extends { key: string; version: string }>(entry: Entry): Entry =>
      entry.key === part ? { ...entry, version: next(entry.version) } : entry
    const { version, embeddings, obs, matrices } = this.identity
    this.identity = {
      ...this.identity,
      version: next(version),
      embeddings: embeddings.map(renew),
      obs: obs.map(renew),
      matrices: matrices.map((entry) =>
        matrixKey(entry.matrix) === part ? { ...entry, version: next(entry.version) } : entry,
      ),
    }
  }

  #versionOf(pathname: string, key: string | null): string {
    const { embeddings, obs, matrices } = this.identity
    if (pathname.endsWith('/var')) return matrices[0]?.version ?? ''
    const entries = pathname.endsWith('/embedding') ? embeddings : obs
    return entries.find((entry) => entry.key === (key ?? entries[0]?.key))?.version ?? ''
  }

  #answer({ pathname, searchParams }: URL): Answer {
    const key = searchParams.get('key')
    const asked = searchParams.get('version')
    const version = this.#versionOf(pathname, key)
    if (asked !== null && asked !== version) return refused('changed', 'It changed.')
    switch (pathname) {
      case '/_cellucid/identity':
        return this.busyAnswers-- > 0 ? refused('kernel_busy', 'The notebook computes.') : json(200, this.identity)
      case '/_cellucid/embedding':
        if (this.damaged.has(key ?? '')) return refused('malformed', `obsm "${key ?? 'X_umap'}" is damaged.`)
        return bytes(this.#embedding(key ?? 'X_umap', Number(searchParams.get('dimensions') ?? 2), version))
      case '/_cellucid/columns/obs':
        if (key === null || key === 'louvain') return bytes(encodeColumn({ ...LOUVAIN, version }))
        return key === 'n_genes'
          ? bytes(encodeColumn({ ...N_GENES, version }))
          : refused('unknown_column', `No field "${key}".`)
      case '/_cellucid/columns/var':
        return key === 'CD3D' || (key === 'ONLY_RAW' && searchParams.get('in') === 'raw')
          ? bytes(encodeColumn({ ...CD3D, max: 2.5 * Number(version), version }))
          : refused('unknown_column', `No gene "${key}".`)
      case '/_cellucid/genes': {
        const genes = [{ key: 'CD3D', label: 'CD3D', id: 'ENSG00000167286' }]
        const found = genes.filter(({ label }) => label.startsWith(searchParams.get('query') ?? ''))
        return json(200, { total: found.length, genes: found })
      }
      case '/_cellucid/cell-names':
        return json(200, ['AAACATTGCACTGA-1'])
      default:
        return refused('not_found', 'There is nothing here.')
    }
  }

  #embedding(key: string, dimensions: number, version: string): Uint8Array {
    const positions = Float32Array.from({ length: this.identity.nObs * dimensions }, (_, i) => i / 10)
    return encodeEmbedding({ ...embeddingOf(dimensions, positions, { key }), version })
  }
}

export function bytes(body: Uint8Array, headers: Record<string, string> = {}, status = 200): Answer {
  return { status, headers: new Map(Object.entries(headers)), body }
}

export function json(status: number, value: unknown): Answer {
  return bytes(new TextEncoder().encode(JSON.stringify(value)), {}, status)
}

export function refused(code: ErrorCode, message: string): Answer {
  return json(ERROR_STATUS[code], { code, message })
}
