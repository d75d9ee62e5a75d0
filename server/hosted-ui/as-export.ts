import type { CodesColumn, Column } from '../../protocol/column-frame.ts'
import { safeName } from '../../protocol/export-layout.ts'
import type { Identity } from '../../protocol/identity.ts'
import { toDense } from '../column-choice.ts'
import { DataError, type DataSource } from '../sources/data-source.ts'

/** A category with fewer cells gets no label of its own on the picture, as in cellucid's own exports. */
const MIN_CENTROID_CELLS = 10
/** Every gene's name stands in one list: what a browser still reads. */
const MAX_GENES = 500_000

export type ExportFile = { type: 'application/json' | 'application/octet-stream'; bytes: Uint8Array }

/** A dataset as the folder that cellucid's `prepare()` would write of it, format `compact_v1`, file by file. */
export class AsExport {
  readonly #source: DataSource
  readonly #genes = new Map<string, { version: string; byName: Map<string, string> }>()

  constructor(source: DataSource) {
    this.#source = source
  }

  /** What `_cellucid/health` says there: of a folder of cellucid's three things, of an AnnData seven. */
  async health(version: string, signal: AbortSignal): Promise<object> {
    const { kind, nObs, nVar } = await this.#source.identity(signal)
    if (kind === 'export') return { status: 'ok', type: 'exported', version }
    const format = kind === 'kernel' ? 'in-memory' : kind
    const counts = { n_cells: nObs, n_genes: nVar }
    return { status: 'ok', type: 'anndata', version, format, is_backed: kind !== 'kernel', ...counts }
  }

  /** What `_cellucid/datasets` lists. */
  async dataset(signal: AbortSignal): Promise<{ id: string; path: string; name: string }> {
    const { name } = await this.#source.identity(signal)
    return { id: safeName(name), path: '/', name: name.trim() || 'dataset' }
  }

  /** One file of the folder. @returns `null` where such a folder has none of that name. @throws DataError */
  async file(path: string, signal: AbortSignal): Promise<ExportFile | null> {
    // A folder that has this form already holds more than the other reads tell: the graph, vector fields, outliers.
    const own = await this.#source.exportFile(path, signal)
    if (own !== null)
      return { type: path.endsWith('.json') ? 'application/json' : 'application/octet-stream', bytes: own }
    switch (path) {
      case 'dataset_identity.json':
        return json(await this.#identity(signal))
      case 'obs_manifest.json':
        return json(await this.#obsManifest(signal))
      case 'var_manifest.json':
        return json(await this.#varManifest(signal))
      default:
        return this.#array(path, signal)
    }
  }

  async #array(path: string, signal: AbortSignal): Promise<ExportFile | null> {
    const points = /^points_([123])d\.bin$/.exec(path)
    if (points !== null) return array(await this.#points(Number(points[1]), signal))
    const obs = /^obs\/([^/]+)\.(values\.f32|codes\.u8|codes\.u16|outliers\.f32)$/.exec(path)
    if (obs !== null) return this.#obs(obs[1] ?? '', obs[2] ?? '', signal)
    const gene = /^var\/([^/]+)\.values\.f32$/.exec(path)
    return gene === null ? null : this.#gene(gene[1] ?? '', signal)
  }

  async #identity(signal: AbortSignal): Promise<object> {
    const identity = await this.#source.identity(signal)
    const fields = shownFields(identity)
    const kinds = fields.map(({ key, kind }) => ({ key, kind: kind === 'categorical' ? 'category' : 'continuous' }))
    const categorical = kinds.filter(({ kind }) => kind === 'category').length
    const { dimensions } = await this.#embedding(signal)
    return {
      version: 2,
      id: safeName(identity.name),
      name: identity.name,
      description: '',
      created_at: new Date(0).toISOString().replace('.000Z', 'Z'),
      cellucid_data_version: 'cellucid-notebook',
      stats: {
        n_cells: identity.nObs,
        n_genes: identity.nVar,
        n_obs_fields: fields.length,
        n_categorical_fields: categorical,
        n_continuous_fields: fields.length - categorical,
        has_connectivity: false,
        n_edges: null,
      },
      embeddings: {
        available_dimensions: [...dimensions].sort(),
        default_dimension: dimensions[0] ?? 2,
        files: Object.fromEntries([...dimensions].sort().map((d) => [`${d}d`, `points_${d}d.bin`])),
      },
      obs_fields: kinds,
      export_settings: {
        compression: null,
        var_quantization: null,
        obs_continuous_quantization: null,
        obs_categorical_dtype: 'auto',
      },
      source: { type: 'cellucid-notebook', format: identity.kind },
    }
  }

  /** Lists the categories, so every categorical column is read for it, one after the other. */
  async #obsManifest(signal: AbortSignal): Promise<object> {
    const identity = await this.#source.identity(signal)
    const continuous: unknown[] = []
    const categorical: unknown[] = []
    const { dimensions } = await this.#embedding(signal)
    const positions = new Map(
      await Promise.all(dimensions.map(async (d) => [d, await this.#points(d, signal)] as const)),
    )
    for (const { key } of shownFields(identity)) {
      const column = await this.#source.obs(key, signal)
      if (column.kind !== 'codes') {
        continuous.push([key, column.min ?? 0, column.max ?? 1])
        continue
      }
      const { categories } = column
      const isNarrow = column.codes instanceof Uint8Array
      const centroids = Object.fromEntries([...positions].map(([d, points]) => [d, centroidsOf(column, points, d)]))
      categorical.push([key, categories, isNarrow ? 'uint8' : 'uint16', isNarrow ? 255 : 65_535, centroids, 0, 1])
    }
    return {
      _format: 'compact_v1',
      n_points: identity.nObs,
      centroid_outlier_quantile: 0.95,
      latent_key: null,
      compression: null,
      _obsSchemas: OBS_SCHEMAS,
      _continuousFields: continuous,
      _categoricalFields: categorical,
    }
  }

  async #varManifest(signal: AbortSignal): Promise<object> {
    const { nObs, geneIdColumn } = await this.#source.identity(signal)
    const byName = await this.#geneNames(signal)
    return {
      _format: 'compact_v1',
      n_points: nObs,
      var_gene_id_column: geneIdColumn ?? 'index',
      compression: null,
      quantization: null,
      _varSchema: {
        kind: 'continuous',
        pathPattern: 'var/{key}.values.f32',
        ext: 'f32',
        dtype: 'float32',
        quantized: false,
      },
      fields: [...byName.values()].map((key) => [key]),
    }
  }

  async #obs(name: string, part: string, signal: AbortSignal): Promise<ExportFile | null> {
    const identity = await this.#source.identity(signal)
    const field = shownFields(identity).find(({ key }) => safeName(key) === name)
    if (field === undefined) return null
    const column = await this.#source.obs(field.key, signal)
    if (part === 'values.f32') return column.kind === 'codes' ? null : array(valuesOf(column))
    if (column.kind !== 'codes') return null
    // How far a cell lies from its category is measured in a space that a source need not have: none is far.
    if (part === 'outliers.f32') return array(new Float32Array(identity.nObs))
    const isNarrow = column.codes instanceof Uint8Array
    return part === (isNarrow ? 'codes.u8' : 'codes.u16') ? array(column.codes) : null
  }

  async #gene(name: string, signal: AbortSignal): Promise<ExportFile | null> {
    const key = (await this.#geneNames(signal)).get(name)
    return key === undefined ? null : array(valuesOf(await this.#source.gene(key, null, signal)))
  }

  /** Keys of genes by the names of their files; those that share one are left out. */
  async #geneNames(signal: AbortSignal): Promise<Map<string, string>> {
    const version = await this.#source.version(signal)
    const known = this.#genes.get('X')
    if (known?.version === version) return known.byName
    const { genes } = await this.#source.genes('', MAX_GENES, signal)
    const byName = byFileName(genes.map(({ key }) => key))
    this.#genes.set('X', { version, byName })
    return byName
  }

  async #embedding(signal: AbortSignal): Promise<{ key: string | null; dimensions: readonly number[] }> {
    const { embeddings, defaultEmbedding } = await this.#source.defaults(signal)
    const entry = embeddings.find(({ key }) => key === defaultEmbedding)
    return { key: defaultEmbedding, dimensions: entry?.dimensions ?? [2] }
  }

  async #points(dimensions: number, signal: AbortSignal): Promise<Float32Array> {
    const embedding = await this.#embedding(signal)
    if (!embedding.dimensions.includes(dimensions)) {
      throw new DataError('not_found', `The embedding cannot be drawn in ${dimensions} dimensions.`)
    }
    return (await this.#source.embedding(embedding.key, dimensions, signal)).positions
  }
}

const OBS_SCHEMAS = {
  continuous: { pathPattern: 'obs/{key}.values.f32', ext: 'f32', dtype: 'float32', quantized: false },
  categorical: {
    codesPathPattern: 'obs/{key}.codes.{ext}',
    outlierPathPattern: 'obs/{key}.outliers.f32',
    outlierExt: 'f32',
    outlierDtype: 'float32',
    outlierQuantized: false,
  },
}

/** Fields that can colour cells and whose file's name is theirs alone. */
function shownFields({ obs }: Identity): Identity['obs'] {
  const drawable = obs.filter(({ kind }) => kind !== 'identifier' && kind !== 'unsupported')
  const byName = byFileName(drawable.map(({ key }) => key))
  return drawable.filter(({ key }) => byName.get(safeName(key)) === key)
}

function byFileName(keys: readonly string[]): Map<string, string> {
  const groups = Map.groupBy(keys, safeName)
  return new Map(
    [...groups].flatMap(([name, [key, other]]) => (key === undefined || other !== undefined ? [] : [[name, key]])),
  )
}

/** All values, one a cell; f32, NaN is missing. */
function valuesOf(column: Column): Float32Array {
  if (column.kind === 'dense') return column.values
  if (column.kind === 'codes') throw new DataError('unsupported', 'Categories are no values.')
  return toDense(column).values
}

type Centroid = { category: string; position: number[]; n_points: number }

/** The middle of each category that has enough cells with a position. */
function centroidsOf({ codes, categories }: CodesColumn, points: Float32Array, dimensions: number): Centroid[] {
  const sums = new Float64Array(categories.length * dimensions)
  const counts = new Uint32Array(categories.length)
  for (let cell = 0; cell < codes.length; cell++) {
    const code = codes[cell] ?? 0
    if (code >= categories.length || Number.isNaN(points[cell * dimensions])) continue
    counts[code] = (counts[code] ?? 0) + 1
    for (let axis = 0; axis < dimensions; axis++) {
      const at = code * dimensions + axis
      sums[at] = (sums[at] ?? 0) + (points[cell * dimensions + axis] ?? 0)
    }
  }
  return categories.flatMap((category, code) => {
    const count = counts[code] ?? 0
    if (count < MIN_CENTROID_CELLS) return []
    const sum = sums.subarray(code * dimensions, (code + 1) * dimensions)
    return [{ category, position: Array.from(sum, (value) => value / count), n_points: count }]
  })
}

function json(value: unknown): ExportFile {
  return { type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) }
}

function array({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array | Uint16Array): ExportFile {
  return { type: 'application/octet-stream', bytes: new Uint8Array(buffer, byteOffset, byteLength) }
}
